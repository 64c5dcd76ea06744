// SPDX-License-Identifier: BSL-1.0
// A null link that is followed ends the execution, and not the process.
#include <pawl/atomic.hpp>
#include <pawl/model.hpp>

#if !PAWL_ASAN  // UndefinedBehaviorSanitizer, which is there with it, ends the process first

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string>

#include "catch.hpp"

namespace {

using B = pawl::backend::model;
namespace model = pawl::model;
template <class T>
using atomic = pawl::atomic<T, B>;

struct node {
  long raw = 1;
  atomic<int> value{2};
  model::var<int> data{3};
  pawl::plain<int, B> field;
};

// Published before it is there, as by a head that is read before a link that it leads to.
template <class Use>
void follow(Use use) {
  atomic<node*> link{nullptr};
  node there;
  there.field.construct(4);
  model::thread publishes([&] { link.store(&there, std::memory_order_release); });
  model::thread follows([&] { use(link.load(std::memory_order_acquire)); });
  publishes.join();
  follows.join();
}

template <class Use>
void reported(Use use, const std::string& message) {
  const auto body = [use] { follow(use); };
  const model::report r = model::check(body);
  REQUIRE(r.violation);
  INFO(r.violation->message);
  CHECK(r.violation->kind == model::violation_kind::use_after_free);
  CHECK(r.violation->message.find(message) != std::string::npos);
  CHECK(r.violation->message.find("null_links.cpp:") != std::string::npos);
  CHECK(r.violation->trace.find("load acquire, reads 0 from the initial 0") != std::string::npos);
  model::options o;
  o.replay = r.violation->replay;
  const model::report again = model::check(o, body);
  REQUIRE(again.violation);
  CHECK(again.violation->message == r.violation->message);
  CHECK(again.violation->trace == r.violation->trace);
}

// What a process of its own says by its exit status; a signal that ends it: 256 and its number.
template <class F>
int in_child(F f) {
  const pid_t child = fork();
  if (child == 0) {
    f();
    _exit(1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? 256 + WTERMSIG(status) : WEXITSTATUS(status);
}

void* nobody_may_touch() { return mmap(nullptr, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); }

}  // namespace

TEST_CASE("a null pointer that is followed by way of pawl's types is a violation") {
  const auto at = [](std::size_t offset) {
    return "access to address " + model::detail::text_of_address(offset) + ": a null pointer was followed";
  };
  reported([](node* n) { n->value.load(std::memory_order_relaxed); }, at(8));
  reported([](node* n) { n->value.store(1, std::memory_order_relaxed); }, at(8));
  reported([](node* n) { n->value.fetch_add(1, std::memory_order_relaxed); }, at(8));
  reported([](node* n) { static_cast<void>(n->data.get()); }, at(12));
  reported([](node* n) { n->data.set(1); }, at(12));
  reported([](node* n) { static_cast<void>(n->field.get()); }, at(16));
}

#if PAWL_MODEL_FAULTS
TEST_CASE("a null pointer that is followed to plain memory is one, too") {
  reported([](volatile node* n) { n->raw = n->raw + 1; }, "access to address 0x0: a null pointer was followed");
  reported([](node* n) { *(reinterpret_cast<volatile int*>(n) + (n == nullptr ? 1000 : 0)) = 1; },
           "access to address 0xfa0: a null");
  // What was never written is none of the processor's addresses.
  reported(
      [](node* n) {
        if (n == nullptr) *reinterpret_cast<volatile int*>(0xa5a5a5a5a5a5a5a5U) = 1;
      },
      "an address that is none");
}

TEST_CASE("executions in which a thread crashes are given up, and the check goes on") {
  // Crashes while two other threads are in the midst of their loops.
  const model::report r = model::check([] {
    atomic<int> x{0};
    const auto add = [&] {
      for (int i = 0; i < 3; ++i) x.fetch_add(1, std::memory_order_relaxed);
    };
    model::thread a(add);
    model::thread b(add);
    model::thread crashes([&] {
      volatile long* const nothing = nullptr;
      if (x.load(std::memory_order_relaxed) == 3) *nothing = 1;
    });
    a.join();
    b.join();
    crashes.join();
  });
  REQUIRE(r.violation);
  CHECK(r.violation->kind == model::violation_kind::use_after_free);
  CHECK(r.executions > 10);
}

TEST_CASE("other faults go to whom they went before the check, which comes back after it") {
  const auto touch = [](void* where) { return [where] { *static_cast<volatile int*>(where) = 1; }; };
  const auto exits = [](int status) {
    struct sigaction action{};
    action.sa_handler = status == 7 ? +[](int) { _exit(7); } : SIG_DFL;
    sigaction(SIGSEGV, &action, nullptr);
  };
  CHECK(in_child([&] {
          exits(7);
          model::check(touch(nobody_may_touch()));
        }) == 7);
  CHECK(in_child([&] {
          exits(0);
          model::check(touch(nobody_may_touch()));
        }) == 256 + SIGSEGV);
  CHECK(in_child([&] {
          exits(7);
          if (model::check(touch(nullptr)).ok()) _exit(2);  // handled
          volatile int* const nothing = nullptr;
          *nothing = 1;
        }) == 7);
}
#endif

#endif
