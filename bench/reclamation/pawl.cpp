// SPDX-License-Identifier: BSL-1.0
// A scheme is: `node`, an object of its kind; `cell`, a shared pointer to one; `thread`, what a thread needs while it takes part, with
//   replace(cell, node)  another object in its place, the old one retired
//   retire(node)         of one that nobody could find
//   stall(cell, f)       f() while the object in the cell is being read
//   pass()               between operations, now and then
// `reader`, made of a thread for a while, with
//   read(cell)           a guarded read: begin, load the pointer, read a field, end
// and settle(), which frees what is left when all threads have ended. pawl's.
#include <mutex>

#include <pawl/hazard_pointer.hpp>
#include <pawl/rcu.hpp>

#include "entry.hpp"

namespace reclamation {
namespace {

/// What pawl's domains have in common: objects retire themselves.
template <class Node>
struct retiring {
  static void replace(pawl::atomic<Node*>& c, Node* fresh) { c.exchange(fresh, std::memory_order_acq_rel)->retire(); }
  static void retire(Node* n) { n->retire(); }
  static void pass() {}
};

struct pawl_hazards {
  static constexpr const char* library = "pawl";
  static constexpr const char* variant = "hazard_pointer, kept";
  static constexpr const char* guarantee = "bounded garbage";
  struct node : counted, pawl::hazard_pointer_obj_base<node> {};
  using cell = pawl::atomic<node*>;

  struct thread : retiring<node> {
    template <class F>
    static void stall(const cell& c, F f) {
      auto guard = pawl::make_hazard_pointer();
      guard.protect(c);
      f();
    }
  };
  class reader {
   public:
    explicit reader(thread& /*t*/) {}
    std::uint64_t read(const cell& c) {
      const std::uint64_t value = guard_.protect(c)->value;
      guard_.reset_protection();
      return value;
    }

   private:
    pawl::hazard_pointer guard_ = pawl::make_hazard_pointer();
  };
  static void settle() { pawl::hazard_pointer_default_domain().reclaim(); }
};

/// As in a function that has no place to keep one.
struct pawl_fresh_hazards : pawl_hazards {
  static constexpr const char* variant = "hazard_pointer, made each time";
  struct reader {
    explicit reader(thread& /*t*/) {}
    static std::uint64_t read(const cell& c) {
      auto guard = pawl::make_hazard_pointer();
      return guard.protect(c)->value;
    }
  };
};

struct pawl_epochs {
  static constexpr const char* library = "pawl";
  static constexpr const char* variant = "rcu";
  static constexpr const char* guarantee = "garbage bounded while no reader stalls";
  struct node : counted, pawl::rcu_obj_base<node> {};
  using cell = pawl::atomic<node*>;

  struct thread : retiring<node> {
    template <class F>
    static void stall(const cell& /*c*/, F f) {
      const std::scoped_lock section(pawl::rcu_default_domain());
      f();
    }
  };
  class reader {
   public:
    explicit reader(thread& /*t*/) {}
    std::uint64_t read(const cell& c) {
      const std::scoped_lock section(domain_);
      return c.load(std::memory_order_acquire)->value;
    }

   private:
    pawl::rcu_domain& domain_ = pawl::rcu_default_domain();
  };
  static void settle() { pawl::rcu_barrier(); }
};

/// By a reader that is kept, as a hazard pointer is.
struct pawl_kept_epochs : pawl_epochs {
  static constexpr const char* variant = "rcu, reader kept";
  class reader {
   public:
    explicit reader(thread& /*t*/) {}
    std::uint64_t read(const cell& c) {
      const std::scoped_lock section(reader_);
      return c.load(std::memory_order_acquire)->value;
    }

   private:
    pawl::rcu_domain::reader reader_{pawl::rcu_default_domain()};
  };
};

/// What a read costs that nothing guards: no scheme, the floor.
struct unguarded {
  static constexpr const char* library = "floor";
  static constexpr const char* variant = "a plain load, nothing freed";
  static constexpr const char* guarantee = "none";
  struct node : counted {};
  using cell = std::atomic<node*>;
  struct thread {
    static void pass() {}
  };
  struct reader {
    explicit reader(thread& /*t*/) {}
    static std::uint64_t read(const cell& c) { return c.load(std::memory_order_acquire)->value; }
  };
  static void settle() {}
};

/// What it costs to allocate and free at once: the floor of retire.
struct freed_at_once : unguarded {
  static constexpr const char* variant = "new and delete";
  struct thread {
    static void retire(node* n) { delete n; }
    static void pass() {}
  };
};

}  // namespace

void add_pawl(std::vector<entry>& all) {
  all.push_back(reader_of<unguarded>());
  all.push_back({freed_at_once::library,
                 freed_at_once::variant,
                 freed_at_once::guarantee,
                 sizeof(freed_at_once::node),
                 {},
                 {},
                 {},
                 retires<freed_at_once>,
                 {}});
  all.push_back(entry_of<pawl_hazards>());
  all.push_back(reader_of<pawl_fresh_hazards>());
  all.push_back(entry_of<pawl_epochs>());
  all.push_back(reader_of<pawl_kept_epochs>());
}

}  // namespace reclamation
