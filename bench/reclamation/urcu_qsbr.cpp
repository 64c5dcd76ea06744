// SPDX-License-Identifier: BSL-1.0
// liburcu's flavour of quiescent states: see pawl.cpp for what a scheme is. A thread of its own runs the deleters.
#define _LGPL_SOURCE 1  // its readers inlined, as its documentation recommends for speed
#include <urcu/urcu-qsbr.h>

#include "entry.hpp"

namespace reclamation {
namespace {

struct node : rcu_head, counted {
  static void end(rcu_head* head) { delete static_cast<node*>(head); }
};

struct urcu_qsbr {
  static constexpr const char* library = "liburcu";
  static constexpr const char* variant = "qsbr";
  static constexpr const char* guarantee = "garbage bounded while every thread keeps saying that it does not read";
  using node = reclamation::node;
  using cell = std::atomic<node*>;

  class thread {
   public:
    thread() { urcu_qsbr_register_thread(); }
    thread(const thread&) = delete;
    thread& operator=(const thread&) = delete;
    ~thread() { urcu_qsbr_unregister_thread(); }
    static void replace(cell& c, node* fresh) { retire(c.exchange(fresh, std::memory_order_acq_rel)); }
    static void retire(node* n) { urcu_qsbr_call_rcu(n, &node::end); }
    template <class F>
    static void stall(const cell& /*c*/, F f) {
      f();  // it never says that it doesn't read
    }
    static void pass() { urcu_qsbr_quiescent_state(); }
  };
  struct reader {
    explicit reader(thread& /*t*/) {}
    static std::uint64_t read(const cell& c) {
      urcu_qsbr_read_lock();
      const std::uint64_t value = c.load(std::memory_order_acquire)->value;
      urcu_qsbr_read_unlock();
      return value;
    }
  };
  static void settle() {
    urcu_qsbr_register_thread();
    urcu_qsbr_barrier();
    urcu_qsbr_unregister_thread();
  }
};

}  // namespace

void add_urcu_qsbr(std::vector<entry>& all) { all.push_back(entry_of<urcu_qsbr>()); }

}  // namespace reclamation
