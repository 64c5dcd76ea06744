// SPDX-License-Identifier: BSL-1.0
// Your own algorithm under the model checker: write it on pawl::atomic with the backend as a parameter, and let model::check run it in all
// its executions. Here: a stack of nodes by index, as one writes it at first. The checker finds the ABA problem in it and shows the steps;
// with a tag beside the index it passes.
#include <pawl/atomic.hpp>
#include <pawl/model.hpp>
#include <pawl/tagged.hpp>

#include <cstddef>
#include <cstdint>
#include <iostream>
#include <string>

namespace model = pawl::model;

/// Head is an index, or an index with a tag. B is backend::model here, and pawl::native in the program that uses the stack.
template <class Head, class B>
class index_stack {
 public:
  void push(std::uint32_t node) {
    Head head = head_.load(std::memory_order_relaxed);
    do {
      next_[node].store(index_of(head), std::memory_order_relaxed);
      // release: publishes next, and what the caller wrote into the node
    } while (!head_.compare_exchange_weak(head, successor(head, node), std::memory_order_release, std::memory_order_relaxed));
  }
  /// Zero where there is none.
  std::uint32_t pop() {
    // acquire, also on failure: pairs with push's release, so that next is what was published
    Head head = head_.load(std::memory_order_acquire);
    while (index_of(head) != 0) {
      const std::uint32_t next = next_[index_of(head)].load(std::memory_order_relaxed);
      if (head_.compare_exchange_weak(head, successor(head, next), std::memory_order_acquire, std::memory_order_acquire)) break;
    }
    return index_of(head);
  }

 private:
  static std::uint32_t index_of(std::uint32_t head) { return head; }
  static std::uint32_t index_of(const pawl::tagged<std::uint32_t>& head) { return head.value; }
  static std::uint32_t successor(std::uint32_t, std::uint32_t next) { return next; }
  static pawl::tagged<std::uint32_t> successor(const pawl::tagged<std::uint32_t>& head, std::uint32_t next) {
    return head.next(next);
  }

  pawl::atomic<std::uint32_t, B> next_[4]{};
  pawl::atomic<Head, B> head_{};
};

// Two threads take two nodes each; one of them puts the first one back. Nobody may get a node that the other one still has.
template <class Head>
model::report check_stack() {
  model::options o;
  o.spurious_failures = 0;  // a weak failure is one more turn of the same loop
  return model::check(o, [] {
    index_stack<Head, pawl::backend::model> stack;
    stack.push(2);
    stack.push(1);
    model::var<bool> taken[4]{false, false, false, false};
    const auto take = [&] {
      const std::uint32_t node = stack.pop();
      if (node == 0) return node;
      model::require(!taken[node].get(), "nobody else has the node");
      taken[node].set(true);
      return node;
    };
    model::thread one([&] {
      take();
      take();
    });
    model::thread two([&] {
      const std::uint32_t first = take();
      take();
      if (first == 0) return;
      taken[first].set(false);
      stack.push(first);
    });
    one.join();
    two.join();
  });
}

int main() {
  const model::report plain = check_stack<std::uint32_t>();
  if (plain.ok()) return 1;
  std::cout << "an index alone: " << model::to_string(plain.violation->kind) << "\n";
  std::cerr << plain.violation->message << "\n" << plain.violation->trace << "replay: " << plain.violation->replay << "\n";

  const model::report with_tag = check_stack<pawl::tagged<std::uint32_t>>();
  std::cout << "an index and a tag: " << (with_tag.ok() && with_tag.complete ? "clean in all " : "wrong after ")
            << with_tag.executions << " executions\n";
}
