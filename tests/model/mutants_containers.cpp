// SPDX-License-Identifier: BSL-1.0
// Stacks, queues, rings and lists, each with its classic mistakes.
#include <optional>

#include "mutants.hpp"

using namespace mutants;

namespace {

// ---- Treiber's stack over a pool: R. Treiber, "Systems Programming: Coping with Parallelism", IBM 1986 ----------------------------------

// The head holds an index, and a tag of so many bits that every update increments.
template <unsigned TagBits>
class pool_stack {
 public:
  static constexpr unsigned none = 3;

  void push(unsigned node) {
    unsigned old = head_.load(relaxed);
    do {
      // relaxed: (2) publishes it
      next_[node].store(index_of(old), relaxed);
      // (2) release: pairs with (1)
    } while (!head_.compare_exchange_strong(old, after(old, node), release, relaxed));
  }
  unsigned pop() {
    // (1) acquire: pairs with (2), so the node's next is the one that was pushed with it; the same where the compare-and-swap fails
    unsigned old = head_.load(acquire);
    while (index_of(old) != none) {
      const unsigned next = next_[index_of(old)].load(relaxed);
      if (head_.compare_exchange_strong(old, after(old, next), relaxed, acquire)) break;
    }
    return index_of(old);
  }

 private:
  static unsigned index_of(unsigned head) { return head & 3U; }
  static unsigned after(unsigned old, unsigned index) { return (((old >> 2U) + 1) & ((1U << TagBits) - 1)) << 2U | index; }

  atomic<unsigned> head_{none};
  atomic<unsigned> next_[3];
};

// While one thread pops, the other takes both nodes and puts the upper one back, perhaps upon a third: in 3 or 4 updates.
template <unsigned TagBits, unsigned Updates>
void node_comes_back() {
  pool_stack<TagBits> stack;
  constexpr unsigned none = decltype(stack)::none;
  stack.push(1);
  stack.push(0);
  unsigned popped[2] = {none, none};
  together([&] { popped[0] = stack.pop(); },
           [&] {
             const unsigned first = stack.pop();
             popped[1] = stack.pop();
             if constexpr (Updates == 4) stack.push(2);
             if (first != none) stack.push(first);
           });
  bool owned[3] = {};
  const auto own = [&owned](unsigned node) {
    if (node == none) return;
    model::require(!owned[node], "a node has two owners");
    owned[node] = true;
  };
  own(popped[0]);
  own(popped[1]);
  for (unsigned node = stack.pop(); node != none; node = stack.pop()) own(node);
}

// ---- Treiber's stack over the heap ------------------------------------------------------------------------------------------------------

enum class heap_stack_mistake { none, freed_at_once };

template <heap_stack_mistake Mistake>
void heap_stack() {
  struct node {
    explicit node(node* below) : next(below) {}
    const model::var<node*> next;  // plain: written before the node is pushed, never again
  };
  auto* const lower = model::make<node>(nullptr);
  auto* const upper = model::make<node>(lower);
  // No push, so no node comes back. The threads that pop were started after all were pushed.
  atomic<node*> head{upper};
  node* kept[2] = {};
  const auto pop = [&](unsigned me) {
    node* old = head.load(relaxed);
    while (old != nullptr && !head.compare_exchange_strong(old, old->next.get(), relaxed)) {
    }
    if constexpr (Mistake == heap_stack_mistake::freed_at_once) {
      model::destroy(old);
    } else {
      kept[me] = old;
    }
  };
  together([&] { pop(0); }, [&] { pop(1); });
  for (node* const each : kept) model::destroy(each);
}

// ---- M. Michael, M. Scott, "Simple, Fast, and Practical Non-Blocking and Blocking Concurrent Queue Algorithms", PODC 1996 ---------------

enum class queue_mistake { none, link_relaxed, empty_without_next };

// Over nodes of the caller, none of which comes twice.
template <queue_mistake Mistake>
class linked_queue {
 public:
  struct node {
    explicit node(int initial = 0) : value(initial) {}
    model::var<int> value;
    atomic<node*> next{nullptr};
  };

  explicit linked_queue(node& dummy) : head_(&dummy), tail_(&dummy) {}

  void enqueue(node& fresh) {
    constexpr auto link = Mistake == queue_mistake::link_relaxed ? relaxed : release;
    for (;;) {
      // (1) acquire: pairs with (4), so what the tail is was linked before
      node* last = tail_.load(acquire);
      // (2) acquire: pairs with (3), for whom (4) passes it on
      node* next = last->next.load(acquire);
      if (next != nullptr) {
        help(last, next);
        continue;
      }
      // (3) release: publishes the node to (2) and (7)
      if (!last->next.compare_exchange_strong(next, &fresh, link, relaxed)) continue;
      help(last, &fresh);
      return;
    }
  }
  std::optional<int> dequeue() {
    for (;;) {
      // (5) acquire: pairs with (8), so the tail that is read next is not behind this head
      node* first = head_.load(acquire);
      // (6) acquire: pairs with (4), so what is before the tail was linked before
      node* const last = tail_.load(acquire);
      if (Mistake == queue_mistake::empty_without_next && first == last) return std::nullopt;
      // (7) acquire: pairs with (3), so the value is written before it is read
      node* const next = first->next.load(acquire);
      if (next == nullptr) return std::nullopt;
      if (first == last) {
        help(last, next);
        continue;
      }
      // (8) release: pairs with (5)
      if (head_.compare_exchange_strong(first, next, release, relaxed)) return next->value.get();
    }
  }

 private:
  // (4) release: pairs with (1) and (6). Weak, since whoever finds the tail behind moves it on. (Were it strong, the tail would be behind
  // for enqueues in progress only, and a dequeue that takes it for the end would be as right as one that came before them.)
  void help(node* last, node* next) { tail_.compare_exchange_weak(last, next, release, relaxed); }

  atomic<node*> head_;
  atomic<node*> tail_;
};

template <queue_mistake Mistake>
void queue_hands_over() {
  using queue = linked_queue<Mistake>;
  typename queue::node nodes[2];
  queue q(nodes[0]);
  together(
      [&] {
        nodes[1].value.set(1);
        q.enqueue(nodes[1]);
      },
      [&] { model::require(q.dequeue().value_or(1) == 1, "not the value that was enqueued"); });
}
template <queue_mistake Mistake>
void queue_holds_what_it_was_given() {
  using queue = linked_queue<Mistake>;
  using spec = model::spec::queue<int>;
  typename queue::node nodes[3];
  queue q(nodes[0]);
  model::linearizable<spec> history;
  const auto enqueue = [&](int value) {
    nodes[value].value.set(value);
    history.call([&] { q.enqueue(nodes[value]); }, [value](spec& s) { s.push(value); });
  };
  together(
      [&] {
        enqueue(1);
        // (Not empty, since this thread has enqueued and nobody else dequeues.)
        history.call([&] { return q.dequeue(); }, [](spec& s) { return s.try_pop(); });
      },
      [&] { enqueue(2); });
}

// ---- Ring of one producer and one consumer: L. Lamport, "Specifying Concurrent Program Modules", TOPLAS 1983 ----------------------------

enum class ring_mistake { none, one_too_many, index_relaxed };

// A slot whose contents can't race, only be wrong.
class atomic_slot {
 public:
  void set(int value) { value_.store(value, relaxed); }
  [[nodiscard]] int get() const { return value_.load(relaxed); }

 private:
  atomic<int> value_{0};
};
struct plain_slot : model::var<int> {
  plain_slot() : model::var<int>(0) {}
};

template <ring_mistake Mistake, class Slot>
void ring() {
  constexpr unsigned capacity = 1;
  constexpr unsigned full = Mistake == ring_mistake::one_too_many ? capacity + 1 : capacity;
  constexpr auto publish = Mistake == ring_mistake::index_relaxed ? relaxed : release;
  Slot slots[capacity];
  atomic<unsigned> pushed{0};
  atomic<unsigned> popped{0};
  const auto try_push = [&](int value) {
    const unsigned at = pushed.load(relaxed);
    // (1) acquire: pairs with (4), so the slot is read before it is overwritten
    if (at - popped.load(acquire) == full) return;
    slots[at % capacity].set(value);
    // (2) release: pairs with (3), so the slot is written before it is read
    pushed.store(at + 1, publish);
  };
  const auto try_pop = [&]() -> std::optional<int> {
    const unsigned at = popped.load(relaxed);
    // (3) acquire: pairs with (2)
    if (at == pushed.load(acquire)) return std::nullopt;
    const int value = slots[at % capacity].get();
    // (4) release: pairs with (1)
    popped.store(at + 1, release);
    return value;
  };
  together(
      [&] {
        try_push(1);
        try_push(2);
      },
      [&] {
        int expected = 0;
        for (int i = 0; i < 2; ++i) {
          if (const auto value = try_pop()) model::require(*value == ++expected, "a value is overwritten before it is read");
        }
      });
}

// ---- Queue of many producers: D. Vyukov, "Intrusive MPSC Node-Based Queue", 1024cores.net 2010 ------------------------------------------

enum class many_producers_mistake { none, load_and_store };

template <many_producers_mistake Mistake>
void many_producers() {
  struct node {
    atomic<node*> next{nullptr};
  };
  node nodes[3];
  node& dummy = nodes[0];
  atomic<node*> tail{&dummy};
  const auto push = [&](node& fresh) {
    fresh.next.store(nullptr, relaxed);
    node* before = nullptr;
    // acq_rel: pairs with the next producer's, who sets the next of our node when we have cleared it
    if constexpr (Mistake == many_producers_mistake::load_and_store) {
      before = tail.load(acquire);
      tail.store(&fresh, release);
    } else {
      before = tail.exchange(&fresh, acq_rel);
    }
    // relaxed: here the consumer comes after all producers
    before->next.store(&fresh, relaxed);
  };
  together([&] { push(nodes[1]); }, [&] { push(nodes[2]); });
  int found = 0;
  for (const node* n = dummy.next.load(relaxed); n != nullptr; n = n->next.load(relaxed)) ++found;
  model::require(found == 2, "an item is lost");
}

// ---- Harris's list: T. Harris, "A Pragmatic Implementation of Non-Blocking Linked-Lists", DISC 2001 -------------------------------------

enum class list_mistake { none, unlinks_unmarked };

// Keys are indices of nodes; key 0 is the head, which stays. A link is an index and, in its lowest bit, the mark of the node it is in.
template <list_mistake Mistake>
class key_list {
 public:
  static constexpr unsigned keys = 3;

  void insert(unsigned key) {
    for (;;) {
      const place where = find(key);
      // relaxed: (2) publishes it
      next_[key].store(link_to(where.at), relaxed);
      unsigned expected = link_to(where.at);
      // (2) release: pairs with (1)
      if (next_[where.before].compare_exchange_strong(expected, link_to(key), release, relaxed)) return;
    }
  }
  void remove(unsigned key) {
    const place where = find(key);
    if (where.at != key) return;
    unsigned after = next_[key].load(acquire);
    if constexpr (Mistake != list_mistake::unlinks_unmarked) {
      // Once marked, the node's link stays: nobody inserts behind a node that leaves. Relaxed: it publishes no node.
      while (!is_marked(after) && !next_[key].compare_exchange_strong(after, after | 1U, relaxed, acquire)) {
      }
    }
    unsigned expected = link_to(key);
    // (2) again: who reads the link reads the node behind it
    next_[where.before].compare_exchange_strong(expected, after & ~1U, release, relaxed);
  }
  bool contains(unsigned key) { return find(key).at == key; }

 private:
  struct place {
    unsigned before;  // the last node with a smaller key
    unsigned at;  // the next one
  };
  static unsigned link_to(unsigned node) { return node << 1U; }
  static unsigned node_of(unsigned link) { return link >> 1U; }
  static bool is_marked(unsigned link) { return (link & 1U) != 0; }

  // Unlinks what is marked on its way.
  place find(unsigned key) {
    for (;;) {
      if (const auto found = try_find(key)) return *found;
    }
  }
  std::optional<place> try_find(unsigned key) {
    unsigned before = 0;
    // (1) acquire: pairs with (2), so the node's own link is written before it is read
    unsigned at = node_of(next_[before].load(acquire));
    while (at < keys) {
      const unsigned after = next_[at].load(acquire);
      if (is_marked(after)) {
        unsigned expected = link_to(at);
        if (!next_[before].compare_exchange_strong(expected, after & ~1U, release, relaxed)) return std::nullopt;
      } else if (at >= key) {
        break;
      } else {
        before = at;
      }
      at = node_of(after);
    }
    return place{before, at};
  }

  atomic<unsigned> next_[keys] = {link_to(keys), link_to(keys), link_to(keys)};
};

template <list_mistake Mistake>
void insert_behind_a_removed_node() {
  key_list<Mistake> list;
  list.insert(1);
  together([&] { list.remove(1); }, [&] { list.insert(2); });
  model::require(list.contains(2), "an inserted key is lost");
  model::require(!list.contains(1), "a removed key is there");
}

}  // namespace

TEST_CASE("a stack over a pool whose head has no tag, or one that wraps") {
  passes(node_comes_back<30, 3>);
  caught(kind::requirement, "two owners", node_comes_back<0, 3>);
  // Two bits are enough for three updates, and four updates need three.
  passes(node_comes_back<2, 3>);
  passes(node_comes_back<3, 4>);
  caught(kind::requirement, "two owners", node_comes_back<2, 4>);
}
TEST_CASE("a stack that frees a node as soon as it has popped it") {
  passes(heap_stack<heap_stack_mistake::none>);
  caught(kind::use_after_free, "", heap_stack<heap_stack_mistake::freed_at_once>);
}
TEST_CASE("Michael and Scott's queue that links relaxed, or takes a tail that is behind for the end") {
  passes(queue_hands_over<queue_mistake::none>);
  caught(kind::data_race, "plain data is read", queue_hands_over<queue_mistake::link_relaxed>);
  passes(queue_holds_what_it_was_given<queue_mistake::none>);
  caught(kind::not_linearizable, "gave nothing", queue_holds_what_it_was_given<queue_mistake::empty_without_next>);
}
TEST_CASE("a ring that holds one value too many, or publishes its index relaxed") {
  passes(ring<ring_mistake::none, atomic_slot>);
  caught(kind::requirement, "overwritten", ring<ring_mistake::one_too_many, atomic_slot>);
  passes(ring<ring_mistake::none, plain_slot>);
  caught(kind::data_race, "plain data", ring<ring_mistake::index_relaxed, plain_slot>);
}
TEST_CASE("a queue of many producers who load and store the tail") {
  passes(many_producers<many_producers_mistake::none>);
  caught(kind::requirement, "lost", many_producers<many_producers_mistake::load_and_store>);
}
TEST_CASE("a list that unlinks a node without marking it") {
  passes(insert_behind_a_removed_node<list_mistake::none>);
  caught(kind::requirement, "lost", insert_behind_a_removed_node<list_mistake::unlinks_unmarked>);
}
