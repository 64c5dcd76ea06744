// SPDX-License-Identifier: BSL-1.0
// Containers and retirement in the destructors of static objects and thread_locals, before and after everything else, while a detached
// thread goes on. Linked to the plugin, whose own static objects end then, too. Its exit status says whether all went well.
#include <cstdlib>
#include <optional>
#include <thread>

#include "../libraries/plugin.hpp"

#include <unistd.h>

extern "C" {
use_containers_function plugin_use_containers;
default_domain_function plugin_default_domain;
}

namespace {

void require(bool holds, const char* what) {
  if (holds) return;
  static_cast<void>(!write(2, what, __builtin_strlen(what)));
  _exit(1);
}

template <template <class, class> class Base>
struct object : Base<object<Base>, std::default_delete<object<Base>>> {
  static inline std::atomic<int> freed{0};
  ~object() { ++freed; }
};

template <class Domain, template <class, class> class Base, class Reclaim>
void use_over(const char* where, Reclaim reclaim) {
  pawl::stack<int, Domain> stack;
  stack.push(1);
  require(stack.try_pop() == 1, where);
  const int before = object<Base>::freed;
  (new object<Base>)->retire();
  reclaim();
  require(object<Base>::freed > before, where);
}

void use(const char* where) {
  require(plugin_use_containers(), where);
  use_over<pawl::hazard_pointers<>, pawl::hazard_pointer_obj_base>(where, [] { pawl::hazard_pointer_default_domain().reclaim(); });
  use_over<pawl::epochs<>, pawl::rcu_obj_base>(where, [] { pawl::rcu_barrier(); });
}

struct user {
  const char* name;
  explicit user(const char* called, bool at_once) : name(called) {
    if (at_once) use(name);
  }
  user(const user&) = delete;
  user& operator=(const user&) = delete;
  ~user() { use(name); }
};

// Made before the first use of pawl, so it ends after whatever that has registered. (Or not, as the linker has it: in any order.)
const user first("a static object made before any use\n", false);
pawl::queue<int>& for_the_late_thread = *new pawl::queue<int>;  // never destroyed, as it must be
auto& another_for_it = *new pawl::queue<int, pawl::epochs<>>;
const user second("a static object that used it when it was made\n", true);
thread_local const user in_thread("a thread_local\n", false);

}  // namespace

int main() {
  alarm(60);
  require(plugin_default_domain() == &pawl::hazard_pointer_default_domain(), "a linked library has a default domain of its own\n");
  std::thread([] { require(in_thread.name != nullptr, ""); }).join();
  std::atexit([] { use("an exit function\n"); });
  static std::atomic<bool> started{false};  // as the thread outlives this function
  std::thread([] {
    for (;;) {
      for_the_late_thread.push(1);
      static_cast<void>(for_the_late_thread.try_pop());
      another_for_it.push(1);
      static_cast<void>(another_for_it.try_pop());
      static_cast<void>(plugin_use_containers());
      started = true;
    }
  }).detach();
  while (!started) std::this_thread::yield();
  return 0;
}
