// SPDX-License-Identifier: BSL-1.0
// What the scenarios of all domains share: an object that is replaced while it is read, and a thread without memory.
#pragma once

#include <new>

#include "model/scenarios.hpp"

namespace scenarios {

/// Base is what makes it an object that can be retired.
template <template <class, class> class Base>
struct watched : Base<watched<Base>, void (*)(watched<Base>*)> {
  model::var<int> value{7};
  static void end(watched* object) { model::destroy(object); }
};

/// An object that one thread replaces by another, with the old one retired. The last one is retired at the end.
template <class Domain, template <class, class> class Base>
class replaced_object {
 public:
  using object = watched<Base>;

  explicit replaced_object(Domain& domain = Domain::default_domain()) : domain_(domain) {}
  ~replaced_object() { source.load(std::memory_order_relaxed)->retire(&object::end, domain_); }
  replaced_object(const replaced_object&) = delete;
  replaced_object& operator=(const replaced_object&) = delete;

  /// The old one, which no other thread finds from now on.
  object* take_out() { return source.exchange(model::make<object>(), std::memory_order_acq_rel); }
  void replace() { take_out()->retire(&object::end, domain_); }
  void replace_and_reclaim() {
    replace();
    domain_.reclaim();
  }
  static void read(const object* found) { model::require(found->value.get() == 7, "it is alive"); }

  pawl::atomic<object*, typename Domain::backend_type> source{model::make<object>()};

 private:
  Domain& domain_;
};

// A thread for which there is no memory whenever it needs a record.
struct poor : pawl::backend::model {
  static inline unsigned thread = ~0U;
  /// Of the calling thread.
  static void begins() { thread = pawl::model::detail::active->steps().running(); }
};

}  // namespace scenarios

template <>
struct pawl::environment<scenarios::poor> : pawl::environment<pawl::backend::model> {
  template <class T>
  class per_thread : public model::detail::per_thread<T> {
    using base = model::detail::per_thread<T>;

   public:
    template <class Make>
    T& get(Make make) {
      if (model::detail::active != nullptr && model::detail::active->steps().running() == scenarios::poor::thread) {
        throw std::bad_alloc();
      }
      return base::get(make);
    }
  };
};
