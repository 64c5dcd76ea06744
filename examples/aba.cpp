// SPDX-License-Identifier: BSL-1.0
// The ABA problem, and its cure by a tag.
//
// A pop reads the head A and its successor B, then swings the head from A to B "if nothing has changed". But compare-and-swap can't see
// that: it sees whether the head is A *again*. Meanwhile A and B may have gone and A may have come back, with another successor.
//
// Shows it step by step, with no race and no luck: the steps of two threads are called in the order that does the harm. Nodes are
// indices into an array, so nothing is freed, and nothing here is undefined; it is only wrong. Then the same steps with a head that
// counts its changes, tagged<std::uint32_t>: {A, 3} is not {A, 6}.
//
// What to look at: that both stacks are one template, and the printed stories differ in one compare-and-swap.
#include <array>
#include <cstdint>
#include <cstdio>
#include <string>

#include <pawl/atomic.hpp>
#include <pawl/tagged.hpp>

namespace {

using index = std::uint32_t;
enum : index { none, a, b, c, count };

using plain_head = index;
using tagged_head = pawl::tagged<index>;

index node_of(plain_head head) noexcept { return head; }
index node_of(tagged_head head) noexcept { return head.value; }
plain_head replacement(plain_head, index node) noexcept { return node; }
tagged_head replacement(tagged_head old, index node) noexcept { return old.next(node); }

// A Treiber stack of indices. A pop is cut in two where another thread may come between; pop() is what a program would call.
template <class Head>
class index_stack {
 public:
  void push(index node) noexcept {
    Head old = head_.load(std::memory_order_relaxed);  // relaxed: not followed, only compared
    do {
      // relaxed: (1) publishes it
      next_[node].store(node_of(old), std::memory_order_relaxed);
      // (1) release: pairs with (2), so that whoever finds the node sees its successor. Without it, pop could read an older one.
    } while (!head_.compare_exchange_weak(old, replacement(old, node), std::memory_order_release, std::memory_order_relaxed));
  }

  struct begun_pop {
    Head head;
    index next;
  };
  [[nodiscard]] begun_pop begin_pop() const noexcept {
    // (2) acquire: pairs with (1)
    const Head head = head_.load(std::memory_order_acquire);
    return {head, next_[node_of(head)].load(std::memory_order_relaxed)};
  }
  bool finish_pop(begun_pop begun) noexcept {
    // relaxed: (2) has acquired what came with this head, and a pop publishes nothing. No order would help against ABA.
    return head_.compare_exchange_strong(begun.head, replacement(begun.head, begun.next), std::memory_order_relaxed,
                                         std::memory_order_relaxed);
  }
  index pop() noexcept {
    begun_pop begun = begin_pop();
    while (node_of(begun.head) != none && !finish_pop(begun)) begun = begin_pop();
    return node_of(begun.head);
  }

  [[nodiscard]] bool holds(index node) const noexcept { return text().find(name(node)) != std::string::npos; }
  [[nodiscard]] std::string text() const {
    std::string names;
    for (index each = node_of(head_.load(std::memory_order_acquire)); each != none;
         each = next_[each].load(std::memory_order_relaxed)) {
      names += name(each);
    }
    return names;
  }
  static char name(index node) noexcept { return "-ABC"[node]; }

 private:
  pawl::atomic<Head> head_{Head{}};
  std::array<pawl::atomic<index>, count> next_{};
};

// True where the late pop's compare-and-swap was fooled.
template <class Head>
bool tell(const char* title) {
  index_stack<Head> stack;
  for (const index each : {c, b, a}) stack.push(each);
  std::printf("%s\n  the stack is %s\n", title, stack.text().c_str());

  const auto late = stack.begin_pop();
  std::printf("  thread 1 begins to pop: head %c, next %c\n", stack.name(node_of(late.head)), stack.name(late.next));

  const index first = stack.pop();
  const index second = stack.pop();
  stack.push(first);
  std::printf("  thread 2 pops %c, pops %c and keeps it, pushes %c: the stack is %s\n", stack.name(first), stack.name(second),
              stack.name(first), stack.text().c_str());

  const bool fooled = stack.finish_pop(late);
  if (fooled) {
    std::printf("  thread 1's compare-and-swap succeeds: the stack is %s\n", stack.text().c_str());
  } else {
    const index popped = stack.pop();
    std::printf("  thread 1's compare-and-swap fails; it begins anew and pops %c: the stack is %s\n", stack.name(popped),
                stack.text().c_str());
  }
  std::printf("  %c is thread 2's%s\n", stack.name(second), stack.holds(second) ? ", and in the stack: two owners" : " alone");
  return fooled;
}

}  // namespace

int main() {
  const bool plain_fooled = tell<plain_head>("an index alone");
  const bool tagged_fooled = tell<tagged_head>("an index and a tag");
  return plain_fooled && !tagged_fooled ? 0 : 1;
}
