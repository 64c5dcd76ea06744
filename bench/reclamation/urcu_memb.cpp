// SPDX-License-Identifier: BSL-1.0
// liburcu's flavour for programs: see pawl.cpp for what a scheme is. A thread of its own runs the deleters.
#define _LGPL_SOURCE 1  // its readers inlined, as its documentation recommends for speed
#include <urcu/urcu-memb.h>

#include "entry.hpp"

namespace reclamation {
namespace {

struct node : rcu_head, counted {
  static void end(rcu_head* head) { delete static_cast<node*>(head); }
};

struct urcu_memb {
  static constexpr const char* library = "liburcu";
  static constexpr const char* variant = "memb";
  static constexpr const char* guarantee = "garbage bounded while no reader stalls";
  using node = reclamation::node;
  using cell = std::atomic<node*>;

  class thread {
   public:
    thread() { urcu_memb_register_thread(); }
    thread(const thread&) = delete;
    thread& operator=(const thread&) = delete;
    ~thread() { urcu_memb_unregister_thread(); }
    static void replace(cell& c, node* fresh) { retire(c.exchange(fresh, std::memory_order_acq_rel)); }
    static void retire(node* n) { urcu_memb_call_rcu(n, &node::end); }
    template <class F>
    static void stall(const cell& /*c*/, F f) {
      urcu_memb_read_lock();
      f();
      urcu_memb_read_unlock();
    }
    static void pass() {}
  };
  struct reader {
    explicit reader(thread& /*t*/) {}
    static std::uint64_t read(const cell& c) {
      urcu_memb_read_lock();
      const std::uint64_t value = c.load(std::memory_order_acquire)->value;
      urcu_memb_read_unlock();
      return value;
    }
  };
  static void settle() { urcu_memb_barrier(); }
};

}  // namespace

void add_urcu_memb(std::vector<entry>& all) { all.push_back(entry_of<urcu_memb>()); }

}  // namespace reclamation
