// expect: environment<B>::per_thread must have for_each_abandoned
// SPDX-License-Identifier: BSL-1.0
#include <pawl/hazard_pointer.hpp>

struct elsewhere : pawl::backend::builtin {};
template <>
struct pawl::environment<elsewhere> : pawl::environment<pawl::backend::builtin> {
  template <class T>
  struct per_thread {
    struct key {};
    key id() const;
    static T* find(key);
    T* find() const;
    T& get(T* (*)());
    void for_each(void (*)(T&)) const;
  };
};
pawl::hazard_pointers<elsewhere> wrong;
