// SPDX-License-Identifier: BSL-1.0
// What a violation says: each step with its value, which stores a load could have read instead, which edge is missing, what synchronizes;
// and that a replay string is taken only for what it is.
#include <pawl/atomic.hpp>
#include <pawl/fence.hpp>
#include <pawl/model.hpp>

#include <cstdint>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "catch.hpp"

namespace {

using B = pawl::backend::model;
namespace model = pawl::model;
template <class T>
using atomic = pawl::atomic<T, B>;
using kind = model::violation_kind;

constexpr auto relaxed = std::memory_order_relaxed;
constexpr auto acquire = std::memory_order_acquire;
constexpr auto release = std::memory_order_release;
constexpr auto acq_rel = std::memory_order_acq_rel;
constexpr auto seq_cst = std::memory_order_seq_cst;

template <class Body>
model::violation violation_of(kind expected, Body body, const model::options& o = {}) {
  const model::report r = model::check(o, body);
  REQUIRE(r.violation);
  INFO(r.violation->message << "\n" << r.violation->trace);
  CHECK(r.violation->kind == expected);
  return *r.violation;
}
bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }
std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}
std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t begin = 0, end = text.find('\n'); end != std::string::npos; begin = end + 1, end = text.find('\n', begin))
    lines.push_back(text.substr(begin, end - begin));
  return lines;
}
// A line of the trace has both: its thread, and what it did.
bool has_line(const model::violation& v, const std::string& thread, const std::string& did) {
  for (const std::string& line : lines_of(v.trace)) {
    if (line.starts_with(thread) && has(line, did)) return true;
  }
  return false;
}
// In the picture an arrow leads from a node whose label has one text to a node with the other, with this label.
bool has_arrow(const std::string& dot, const std::string& from, const std::string& to, const std::string& label) {
  const auto label_of = [&dot](const std::string& node) {
    for (const std::string& line : lines_of(dot)) {
      if (line.starts_with("    " + node + " [label=")) return line;
    }
    return std::string();
  };
  for (const std::string& line : lines_of(dot)) {
    const std::size_t arrow = line.find(" -> ");
    const std::size_t end = line.find(" [color=");
    if (arrow == std::string::npos || end == std::string::npos || !has(line, "label=\"" + label + "\"")) continue;
    if (has(label_of(line.substr(2, arrow - 2)), from) && has(label_of(line.substr(arrow + 4, end - arrow - 4)), to)) return true;
  }
  return false;
}

constexpr const char* needs_release = "that store is relaxed (release, or a release fence before it, is needed)";
constexpr const char* needs_acquire = "this load is relaxed (acquire, or an acquire fence after it, is needed)";

// Data is written, a flag is stored; the flag is loaded, the data is read.
template <class Store, class Load>
auto passed(Store store, Load load) {
  return [=] {
    atomic<int> flag{0};
    model::var<int> data{0};
    model::thread writer([&] {
      data.set(1);
      store(flag);
    });
    model::thread reader([&] {
      if (load(flag) != 0) static_cast<void>(data.get());
    });
    writer.join();
    reader.join();
  };
}
constexpr auto store_relaxed = [](atomic<int>& flag) { flag.store(1, relaxed); };
constexpr auto store_after_fence = [](atomic<int>& flag) {
  B::thread_fence(release);
  flag.store(1, relaxed);
};
constexpr auto load_relaxed = [](atomic<int>& flag) { return flag.load(relaxed); };
constexpr auto load_before_fence = [](atomic<int>& flag) {
  const int found = flag.load(relaxed);
  B::thread_fence(acquire);
  return found;
};

}  // namespace

TEST_CASE("a missing edge counts fences where they are, and only there") {
  const std::string neither = violation_of(kind::data_race, passed(store_relaxed, load_relaxed)).message;
  CHECK(has(neither, needs_release));
  CHECK(has(neither, needs_acquire));
  const std::string no_acquire = violation_of(kind::data_race, passed(store_after_fence, load_relaxed)).message;
  CHECK_FALSE(has(no_acquire, "that store is"));
  CHECK(has(no_acquire, needs_acquire));
  const std::string no_release = violation_of(kind::data_race, passed(store_relaxed, load_before_fence)).message;
  CHECK(has(no_release, needs_release));
  CHECK_FALSE(has(no_release, "this load is"));
  CHECK(model::check(passed(store_after_fence, load_before_fence)).ok());

  // A fence on the wrong side of the data, or of the load.
  const std::string early = violation_of(kind::data_race, [] {
                              atomic<int> flag{0};
                              model::var<int> data{0};
                              model::thread writer([&] {
                                B::thread_fence(release);
                                data.set(1);
                                flag.store(1, relaxed);
                              });
                              model::thread reader([&] {
                                if (flag.load(acquire) != 0) static_cast<void>(data.get());
                              });
                              writer.join();
                              reader.join();
                            }).message;
  CHECK(has(early, "that store is relaxed, and the release fence at explains.cpp:"));
  CHECK(has(early, "comes too early (release, or a later fence, is needed)"));
  const std::string before = violation_of(kind::data_race, passed(store_after_fence,
                                                                  [](atomic<int>& flag) {
                                                                    B::thread_fence(acquire);
                                                                    return flag.load(relaxed);
                                                                  }))
                                 .message;
  CHECK(has(before, needs_acquire));
}

TEST_CASE("a missing edge knows that store_add reads for no fence") {
  const auto body = [](auto add) {
    return [add] {
      atomic<int> flag{0};
      model::var<int> data{0};
      model::thread writer([&] {
        data.set(1);
        flag.store(1, release);
      });
      model::thread reader([&] {
        add(flag);
        B::thread_fence(acquire);
        if (flag.load(relaxed) == 2) static_cast<void>(data.get());
      });
      writer.join();
      reader.join();
    };
  };
  const std::string message = violation_of(kind::data_race, body([](atomic<int>& flag) { flag.store_add(1, relaxed); })).message;
  // The load that comes later reads it, too, by way of the store_add: it has no fence behind it.
  CHECK(has(message, "by way of thread 2's store_add"));
  CHECK(has(message, needs_acquire));
  CHECK(model::check(body([](atomic<int>& flag) { flag.fetch_add(1, relaxed); })).ok());
  const std::string only = violation_of(kind::data_race, [] {
                             atomic<int> flag{0};
                             atomic<int> done{0};
                             model::var<int> data{0};
                             model::thread writer([&] {
                               data.set(1);
                               flag.store(1, release);
                             });
                             model::thread adder([&] {
                               flag.store_add(1, relaxed);
                               B::thread_fence(acquire);
                               data.set(2);
                             });
                             writer.join();
                             adder.join();
                           }).message;
  CHECK(has(
      only,
      "but this store_add is relaxed, and no fence orders what it reads (acquire, or fetch_add and an acquire fence after it, is "
      "needed)"));
}

TEST_CASE("a missing edge is found on ways through other threads, read-modify-writes, starts and joins") {
  const auto relayed = [](std::memory_order first, std::memory_order second, std::memory_order third, std::memory_order fourth) {
    return [=] {
      atomic<int> one{0};
      atomic<int> two{0};
      model::var<int> data{0};
      model::thread writer([&] {
        data.set(1);
        one.store(1, first);
      });
      model::thread relay([&] {
        if (one.load(second) != 0) two.store(1, third);
      });
      model::thread reader([&] {
        if (two.load(fourth) != 0) static_cast<void>(data.get());
      });
      writer.join();
      relay.join();
      reader.join();
    };
  };
  const std::string first = violation_of(kind::data_race, relayed(relaxed, acquire, release, acquire)).message;
  CHECK(has(first, "thread 2 reads at explains.cpp:"));
  CHECK(has(first, "what thread 1 stored at explains.cpp:"));
  CHECK(has(first, needs_release));
  CHECK(count(first, "is needed") == 1);
  CHECK(count(first, " reads at ") == 1);
  const std::string fourth = violation_of(kind::data_race, relayed(release, acquire, release, relaxed)).message;
  CHECK(has(fourth, "thread 3 reads at explains.cpp:"));
  CHECK(has(fourth, "what thread 2 stored at explains.cpp:"));
  CHECK(has(fourth, needs_acquire));
  CHECK(count(fourth, "is needed") == 1);
  CHECK(count(violation_of(kind::data_race, relayed(relaxed, relaxed, relaxed, relaxed)).message, "is needed") == 4);
  CHECK(model::check(relayed(release, acquire, release, acquire)).ok());

  // A release sequence: the store releases, the addition in between need not.
  const auto added = [](std::memory_order to, std::memory_order from) {
    return [=] {
      atomic<int> flag{0};
      model::var<int> data{0};
      model::thread writer([&] {
        data.set(1);
        flag.store(1, to);
      });
      model::thread adds([&] { flag.fetch_add(1, relaxed); });
      model::thread reader([&] {
        if (flag.load(from) == 2) static_cast<void>(data.get());
      });
      writer.join();
      adds.join();
      reader.join();
    };
  };
  const std::string sequence = violation_of(kind::data_race, added(release, relaxed)).message;
  CHECK(has(sequence, "by way of thread 2's fetch_add at explains.cpp:"));
  CHECK(has(sequence, needs_acquire));
  CHECK_FALSE(has(sequence, "that store is"));
  CHECK(has(violation_of(kind::data_race, added(relaxed, acquire)).message, needs_release));
  CHECK(model::check(added(release, acquire)).ok());

  // What a joined thread did, and what a started one does, are parts of ways, too.
  const std::string family = violation_of(kind::data_race, [] {
                               atomic<int> flag{0};
                               model::var<int> data{0};
                               model::thread writer([&] {
                                 model::thread inner([&] { data.set(1); });
                                 inner.join();
                                 flag.store(1, relaxed);
                               });
                               model::thread reader([&] {
                                 if (flag.load(acquire) == 0) return;
                                 model::thread inner([&] { static_cast<void>(data.get()); });
                                 inner.join();
                               });
                               writer.join();
                               reader.join();
                             }).message;
  CHECK(has(family, needs_release));
  CHECK(count(family, "is needed") == 1);
}

TEST_CASE("a race without any read between says so") {
  const std::string message = violation_of(kind::data_race, [] {
                                model::var<int> data{0};
                                model::thread a([&] { data.set(1); });
                                model::thread b([&] { data.set(2); });
                                a.join();
                                b.join();
                              }).message;
  CHECK(has(message, "thread 2 reads no store that thread 1 makes afterwards"));
  CHECK(has(message, "no stronger order could help"));
}

TEST_CASE("the edge is also named of an atomic's initialization, and of what is used when it ends") {
  const std::string begun = violation_of(kind::data_race, [] {
                              alignas(atomic<int>) unsigned char memory[sizeof(atomic<int>)];
                              atomic<atomic<int>*> shared{nullptr};
                              model::thread makes([&] { shared.store(new (memory) atomic<int>(5), relaxed); });
                              model::thread uses([&] {
                                if (atomic<int>* const found = shared.load(acquire)) found->load(relaxed);
                              });
                              makes.join();
                              uses.join();
                            }).message;
  CHECK(has(begun, "an atomic is accessed, and its initialization by thread 1"));
  CHECK(has(begun, needs_release));
  // A reference count whose last decrement does not acquire what the other has read.
  const auto counted = [](std::memory_order down) {
    return [down] {
      struct node {
        atomic<int> users{2};
        model::var<int> value{1};
      };
      node* const shared = model::make<node>();
      const auto use = [shared, down] {
        static_cast<void>(shared->value.get());
        if (shared->users.fetch_sub(1, down) == 1) model::destroy(shared);
      };
      model::thread a(use);
      model::thread b(use);
      a.join();
      b.join();
    };
  };
  const std::string used = violation_of(kind::use_after_free, counted(release)).message;
  CHECK(has(used, "while it is used by thread"));
  CHECK(has(used, "this load is release (acquire, or an acquire fence after it, is needed)"));
  CHECK_FALSE(has(used, "that store is"));
  CHECK(model::check(counted(acq_rel)).ok());
  const std::string freed = violation_of(kind::use_after_free, [] {
                              model::var<int>* const p = model::make<model::var<int>>(1);
                              model::thread frees([&] { model::destroy(p); });
                              model::thread uses([&] { static_cast<void>(p->get()); });
                              frees.join();
                              uses.join();
                            }).message;
  CHECK(has(freed, ") by thread 1, and neither happens before the other"));
  const std::string after = violation_of(kind::use_after_free, [] {
                              auto* const p = model::make<atomic<int>>(1);
                              model::destroy(p);
                              p->load();
                            }).message;
  CHECK_FALSE(has(after, "neither happens before"));
  const model::violation ended = violation_of(kind::use_after_free, [] {
    alignas(model::var<int>) unsigned char memory[sizeof(model::var<int>)];
    auto* const p = new (memory) model::var<int>(1);
    model::thread ends([&] { p->~var(); });
    model::thread reads([&] { static_cast<void>(p->get()); });
    ends.join();
    reads.join();
  });
  CHECK(has(ended.message, "an object is read after its end (after explains.cpp:"));
  CHECK(has(ended.message, ") by thread 1, and neither happens before the other"));
  CHECK(lines_of(ended.trace).back().ends_with("plain read"));
}

TEST_CASE("what a load could have read instead is what the memory model allows at that point") {
  // Store buffering: if one read what was there before, the other can't.
  const auto buffered = [](std::memory_order order) {
    return [order] {
      atomic<int> x{0};
      atomic<int> y{0};
      int a = -1;
      int b = -1;
      model::thread first([&] {
        x.store(1, order);
        a = y.load(order);
      });
      model::thread second([&] {
        y.store(1, order);
        b = x.load(order);
      });
      first.join();
      second.join();
      model::require(!(a == 0 && b == 1));
    };
  };
  CHECK_FALSE(has(violation_of(kind::requirement, buffered(seq_cst)).trace, "could have read"));
  const model::violation weak = violation_of(kind::requirement, buffered(release));
  CHECK(has_line(weak, "thread 2", "load relaxed") == false);
  CHECK(count(weak.trace, "could have read the initial 0") == 1);
  model::options strong;
  strong.memory_model = model::memory_model::sc;
  CHECK_FALSE(has(violation_of(kind::requirement, buffered(relaxed), strong).trace, "could have read"));
  // Fences do the same.
  CHECK_FALSE(has(violation_of(kind::requirement,
                               [] {
                                 atomic<int> x{0};
                                 atomic<int> y{0};
                                 int a = -1;
                                 int b = -1;
                                 model::thread first([&] {
                                   x.store(1, relaxed);
                                   B::thread_fence(seq_cst);
                                   a = y.load(relaxed);
                                 });
                                 model::thread second([&] {
                                   y.store(1, relaxed);
                                   B::thread_fence(seq_cst);
                                   b = x.load(relaxed);
                                 });
                                 first.join();
                                 second.join();
                                 model::require(!(a == 0 && b == 1));
                               })
                      .trace,
                  "could have read"));

  // Older stores, but none that the thread has passed; of a read-modify-write none that another has replaced.
  const model::violation stale = violation_of(kind::requirement, [] {
    atomic<int> x{0};
    model::thread writer([&] {
      for (int i = 1; i < 4; ++i) x.store(i, relaxed);
    });
    model::thread reader([&] {
      if (x.load(relaxed) != 2) return;
      model::require(x.load(relaxed) != 3);
    });
    writer.join();
    reader.join();
  });
  CHECK(has_line(stale, "thread 2", "reads 2 from 2 by thread 1 at"));
  CHECK(has_line(stale, "thread 2", "; could have read the initial 0, or 1 by thread 1 at "));
  CHECK(has_line(stale, "thread 2", "; could have read 2 by thread 1 at "));
  CHECK(count(stale.trace, "or 3 by thread 1") == 1);
  const model::violation counted = violation_of(kind::requirement, [] {
    atomic<int> x{0};
    const auto add = [&] { x.fetch_add(1, relaxed); };
    model::thread a(add);
    model::thread b(add);
    a.join();
    b.join();
    model::require(false);
  });
  CHECK_FALSE(has(counted.trace, "could have read"));
}

TEST_CASE("a trace has a line for each step, with its value, and ends with the step that violates") {
  const auto last = [](const model::violation& v) { return lines_of(v.trace).back(); };
  const model::violation plain = violation_of(kind::requirement, [] {
    atomic<int> x{7};
    model::var<int> data{1};
    pawl::plain<std::uint64_t, B> wide;
    wide.construct(40U);
    pawl::plain<char, B> small;
    small.construct('\2');
    model::thread t([&] {
      data.set(2);
      wide.set(41);
    });
    t.join();
    static_cast<void>(small.get());
    model::require(data.get() == 1, "it is one");
  });
  CHECK(has_line(plain, "thread 0", "atomic begins with 7"));
  CHECK(has_line(plain, "thread 0", "plain write, leaves 1"));
  CHECK(has_line(plain, "thread 0", "plain write, leaves 40"));
  CHECK(has_line(plain, "thread 0", "plain write, leaves 2"));
  CHECK(has_line(plain, "thread 0", "starts thread 1"));
  CHECK(has_line(plain, "thread 1", "plain write, leaves 2"));
  CHECK(has_line(plain, "thread 1", "plain write, leaves 41"));
  CHECK(has_line(plain, "thread 0", "joins thread 1"));
  CHECK(has_line(plain, "thread 0", "plain read, reads 2"));
  CHECK(last(plain).ends_with("requirement"));
  CHECK(lines_of(plain.trace).size() == plain.length);

  CHECK(last(violation_of(kind::data_race, passed(store_relaxed, load_relaxed))).ends_with("plain read"));
  const model::violation written = violation_of(kind::data_race, [] {
    model::var<int> data{0};
    model::thread a([&] { static_cast<void>(data.get()); });
    model::thread b([&] { data.set(2); });
    a.join();
    b.join();
  });
  CHECK(last(written).ends_with("plain write"));

  const model::violation lost = violation_of(kind::leak, [] { model::make<int>(1); });
  CHECK(has_line(lost, "thread 0", "allocation of 4 bytes at 0x"));
  const model::violation twice = violation_of(kind::double_free, [] {
    auto* const p = model::make<int>(1);
    model::destroy(p);
    model::destroy(p);
  });
  CHECK(count(twice.trace, "free") == 2);
  CHECK(last(twice).ends_with("free"));
  const model::violation used = violation_of(kind::use_after_free, [] {
    auto* const p = model::make<atomic<int>>(1);
    model::destroy(p);
    p->fetch_add(1);
  });
  CHECK(has_line(used, "thread 0", "atomic ends"));
  CHECK(last(used).ends_with("fetch_add"));
  const model::violation begun = violation_of(kind::data_race, [] {
    alignas(atomic<int>) unsigned char memory[sizeof(atomic<int>)];
    atomic<atomic<int>*> shared{nullptr};
    model::thread makes([&] { shared.store(new (memory) atomic<int>(5), relaxed); });
    model::thread uses([&] {
      if (atomic<int>* const found = shared.load(acquire)) found->store(1, relaxed);
    });
    makes.join();
    uses.join();
  });
  CHECK(has_line(begun, "thread 1", "atomic begins with 5"));
  CHECK(last(begun).ends_with("store"));
}

TEST_CASE("a picture has an arrow for all that synchronizes") {
  const auto fails = [](auto store, auto load) {
    return [=] {
      atomic<int> flag{0};
      model::var<int> data{0};
      model::thread writer([&] {
        data.set(1);
        store(flag);
      });
      model::thread reader([&] { model::require(load(flag) != 1 || data.get() != 1); });
      writer.join();
      reader.join();
    };
  };
  const std::string fences = violation_of(kind::requirement, fails(store_after_fence, load_before_fence)).dot;
  CHECK(has_arrow(fences, "fence release", "fence acquire", "synchronizes"));
  CHECK(has_arrow(fences, "store relaxed 1", "load relaxed 1", "reads from"));
  CHECK(has_arrow(fences, "starts thread 1", "plain write, leaves 1", "starts"));
  CHECK(has(fences, "plain read, reads 1"));
  CHECK_FALSE(has(fences, "fence release 0"));
  const std::string direct = violation_of(kind::requirement, fails([](atomic<int>& flag) { flag.store(1, release); },
                                                                   [](atomic<int>& flag) { return flag.load(acquire); }))
                                 .dot;
  CHECK(has_arrow(direct, "store release 1", "load acquire 1", "reads from, synchronizes"));
  const std::string mixed =
      violation_of(kind::requirement, fails(store_after_fence, [](atomic<int>& flag) { return flag.load(acquire); })).dot;
  CHECK(has_arrow(mixed, "fence release", "load acquire 1", "synchronizes"));
  const std::string unordered = violation_of(kind::data_race, passed(store_relaxed, load_before_fence)).dot;
  CHECK_FALSE(has(unordered, "synchronizes"));

  const std::string sequence = violation_of(kind::requirement, [] {
                                 atomic<int> flag{0};
                                 model::thread writer([&] { flag.store(1, release); });
                                 model::thread adds([&] { flag.fetch_add(1, relaxed); });
                                 model::thread reader([&] { model::require(flag.load(acquire) != 2); });
                                 writer.join();
                                 adds.join();
                                 reader.join();
                               }).dot;
  CHECK(has_arrow(sequence, "store release 1", "load acquire 2", "synchronizes"));
  CHECK(has_arrow(sequence, "fetch_add relaxed 1 to 2", "load acquire 2", "reads from"));
  CHECK(has_arrow(sequence, "fetch_add relaxed 1 to 2", "joins thread 2", "joined"));
  // Of a chain of those that acquire and release each has an arrow from the one before, and the others follow.
  const std::string chain = violation_of(kind::requirement, [] {
                              atomic<int> count{0};
                              const auto add = [&] { count.fetch_add(1, acq_rel); };
                              model::thread a(add);
                              model::thread b(add);
                              model::thread c(add);
                              a.join();
                              b.join();
                              c.join();
                              model::require(false);
                            }).dot;
  CHECK(has_arrow(chain, "fetch_add acq_rel 0 to 1", "fetch_add acq_rel 1 to 2", "reads from, synchronizes"));
  CHECK(has_arrow(chain, "fetch_add acq_rel 1 to 2", "fetch_add acq_rel 2 to 3", "reads from, synchronizes"));
  CHECK(count(chain, "synchronizes") == 2);
}

TEST_CASE("a replay string is refused with other options, where it is none, and reported of another program") {
  const auto trusting = [] {
    atomic<int> x{0};
    int expected = 0;
    model::require(x.compare_exchange_weak(expected, 1), "it does not fail");
  };
  const std::string replay = violation_of(kind::requirement, trusting).replay;
  model::options o;
  o.replay = replay;
  CHECK_FALSE(model::check(o, trusting).ok());
  const auto refused = [&](auto change) {
    model::options other;
    other.replay = replay;
    change(other);
    std::string why;
    try {
      static_cast<void>(model::check(other, trusting));
    } catch (const std::invalid_argument& e) {
      why = e.what();
    }
    return why;
  };
  for (const std::string& why :
       {refused([](model::options& x) { x.spurious_failures = 0; }),
        refused([](model::options& x) { x.memory_model = model::memory_model::sc; }),
        refused([](model::options& x) { x.reuse = true; }), refused([](model::options& x) { x.realtime = true; })}) {
    INFO(why);
    CHECK(has(why, "found with other options: spurious_failures = 1, memory_model = cpp20, reuse = false, realtime = false"));
  }
  // A part of one, or one with a slip.
  CHECK(has(refused([](model::options& x) { x.replay = "20001"; }), "no violation's replay"));
  CHECK(has(refused([](model::options& x) { x.replay.pop_back(); }), "no violation's replay"));
  CHECK(has(refused([](model::options& x) { x.replay.back() = x.replay.back() == '0' ? '1' : '0'; }), "no violation's replay"));

  const model::violation other = violation_of(kind::requirement, [] {}, o);
  CHECK(has(other.message, "the replay string does not fit"));
  const model::violation strong = violation_of(
      kind::requirement,
      [] {
        atomic<int> x{0};
        int expected = 0;
        model::require(x.compare_exchange_strong(expected, 1));
      },
      o);
  CHECK(has(strong.message, "the replay string does not fit"));
}

TEST_CASE("a replayed execution is run once, and says the same") {
  const auto body = passed(store_relaxed, load_relaxed);
  const model::violation found = violation_of(kind::data_race, body);
  int runs = 0;
  model::options o;
  o.replay = found.replay;
  const model::violation again = violation_of(
      kind::data_race,
      [&] {
        ++runs;
        body();
      },
      o);
  CHECK(runs == 1);
  CHECK(again.message == found.message);
  CHECK(again.trace == found.trace);
  CHECK(again.dot == found.dot);
}

TEST_CASE("what is observed is shown as the number that it is") {
  enum class big : std::uint64_t { largest = ~std::uint64_t{0} };
  const model::report r = model::check([] {
    model::observe("a", ~std::uint64_t{0});
    model::observe("b", -1);
    model::observe("c", true);
    model::observe("d", big::largest);
  });
  CHECK(r.outcomes == std::set<std::string>{"a=18446744073709551615 b=-1 c=1 d=18446744073709551615"});
}
