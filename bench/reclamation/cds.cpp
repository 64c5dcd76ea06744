// SPDX-License-Identifier: BSL-1.0
// libcds's reclaimers: see pawl.cpp for what a scheme is.
#include <cds/gc/hp.h>
#include <cds/init.h>
#include <cds/urcu/general_buffered.h>

#include "entry.hpp"

namespace reclamation {
namespace {

using cds_rcu_type = cds::urcu::gc<cds::urcu::general_buffered<>>;

/// Everything of libcds that a program has once.
struct cds_library {
  cds_library() { cds::Initialize(); }
  cds_library(const cds_library&) = delete;
  cds_library& operator=(const cds_library&) = delete;
  ~cds_library() { cds::Terminate(); }
};
struct cds_domains {
  cds_library library;
  cds::gc::HP hazards{4, 64};
  cds_rcu_type rcu;
};
cds_domains& of_process() {
  static cds_domains& one = *new cds_domains;
  return one;
}

/// Threads attach and detach by hand.
class cds_thread {
 public:
  cds_thread() {
    of_process();
    cds::threading::Manager::attachThread();
  }
  cds_thread(const cds_thread&) = delete;
  cds_thread& operator=(const cds_thread&) = delete;
  ~cds_thread() { cds::threading::Manager::detachThread(); }
};

struct cds_hazards {
  static constexpr const char* library = "libcds";
  static constexpr const char* variant = "HP, guard kept";
  static constexpr const char* guarantee = "bounded garbage";
  struct node : counted {};
  using cell = std::atomic<node*>;
  struct disposer {
    void operator()(node* n) const { delete n; }
  };

  struct thread : cds_thread {
    static void replace(cell& c, node* fresh) { retire(c.exchange(fresh, std::memory_order_acq_rel)); }
    static void retire(node* n) { cds::gc::HP::retire<disposer>(n); }
    template <class F>
    static void stall(const cell& c, F f) {
      cds::gc::HP::Guard guard;
      guard.protect(c);
      f();
    }
    static void pass() {}
  };
  class reader {
   public:
    explicit reader(thread& /*t*/) {}
    std::uint64_t read(const cell& c) {
      const std::uint64_t value = guard_.protect(c)->value;
      guard_.clear();
      return value;
    }

   private:
    cds::gc::HP::Guard guard_;
  };
  static void settle() {
    const cds_thread attached;
    cds::gc::HP::force_dispose();
  }
};

struct cds_rcu {
  static constexpr const char* library = "libcds";
  static constexpr const char* variant = "RCU, general_buffered";
  static constexpr const char* guarantee = "garbage bounded: who retires waits for readers";
  struct node : counted {};
  using cell = std::atomic<node*>;

  struct thread : cds_thread {
    static void replace(cell& c, node* fresh) { retire(c.exchange(fresh, std::memory_order_acq_rel)); }
    // Its buffer full, it waits for readers in here.
    static void retire(node* n) {
      cds_rcu_type::retire_ptr(n, [](void* p) { delete static_cast<node*>(p); });
    }
    template <class F>
    static void stall(const cell& /*c*/, F f) {
      const cds_rcu_type::scoped_lock section;
      f();
    }
    static void pass() {}
  };
  struct reader {
    explicit reader(thread& /*t*/) {}
    static std::uint64_t read(const cell& c) {
      const cds_rcu_type::scoped_lock section;
      return c.load(std::memory_order_acquire)->value;
    }
  };
  static void settle() {
    const cds_thread attached;
    cds_rcu_type::force_dispose();
  }
};

}  // namespace

void add_cds(std::vector<entry>& all) {
  all.push_back(entry_of<cds_hazards>());
  all.push_back(entry_of<cds_rcu>());
}

}  // namespace reclamation
