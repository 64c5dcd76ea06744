// SPDX-License-Identifier: BSL-1.0
// options::realtime: operations of a history are ordered as they come, whether or not one happens before the other.
#include "mutants.hpp"

using namespace mutants;

namespace {

model::report by(bool realtime, void (*body)()) {
  model::options o;
  o.realtime = realtime;
  return model::check(o, body);
}
void clean(const model::report& r) {
  INFO((r.violation ? r.violation->message + "\n" + r.violation->trace : ""));
  CHECK(r.ok());
  CHECK(r.complete);
}

struct number {
  int value = 0;
  int add() { return value++; }
  void set(int to) { value = to; }
  [[nodiscard]] int get() const { return value; }
  bool operator==(const number&) const = default;
};
using history = model::linearizable<number>;

void nothing_twice() {
  history h;
  const auto nothing = [&h] { h.call([] {}, [](number&) {}); };
  together(nothing, nothing);
}
void nothing_thrice() {
  history h;
  const auto nothing = [&h] { h.call([] {}, [](number&) {}); };
  model::thread first(nothing);
  together(nothing, nothing);
  first.join();
}
void written_and_read() {
  history h;
  atomic<int> x{0};
  together([&] { h.call([&] { x.store(1, relaxed); }, [](number& n) { n.set(1); }); },
           [&] { h.call([&] { return x.load(relaxed); }, [](number& n) { return n.get(); }); });
}
void counted() {
  history h;
  atomic<int> x{0};
  const auto add = [&] { h.call([&] { return x.fetch_add(1, relaxed); }, [](number& n) { return n.add(); }); };
  together([&] { add(), add(); }, add);
}
// Reads what has been stored last as an atomic step.
void written_and_exchanged() {
  history h;
  atomic<int> x{0};
  together([&] { h.call([&] { x.exchange(1, relaxed); }, [](number& n) { n.set(1); }); },
           [&] { h.call([&] { return x.fetch_add(0, relaxed); }, [](number& n) { return n.get(); }); });
}

}  // namespace

TEST_CASE("realtime: every order of begins and ends, once") {
  CHECK(by(false, nothing_twice).executions == 1);
  const model::report two = by(true, nothing_twice);
  clean(two);
  CHECK(two.executions == 6);
  const model::report three = by(true, nothing_thrice);
  clean(three);
  CHECK(three.executions == 90);
}

TEST_CASE("realtime: a stale load is no answer of the present") {
  clean(by(false, written_and_read));
  const model::report r = by(true, written_and_read);
  REQUIRE(r.violation);
  CHECK(r.violation->kind == kind::not_linearizable);
  CHECK(r.violation->message.find("in no order which extends real time") != std::string::npos);
  model::options o;
  o.realtime = true;
  o.replay = r.violation->replay;
  const model::report again = model::check(o, written_and_read);
  REQUIRE(again.violation);
  CHECK(again.violation->message == r.violation->message);
}

TEST_CASE("realtime: read-modify-writes are") {
  clean(by(true, counted));
  clean(by(true, written_and_exchanged));
}

TEST_CASE("realtime: begins and ends synchronize nobody") {
  const model::report r = by(true, [] {
    history h;
    atomic<int> data{0};
    atomic<int> x{0};
    together(
        [&] {
          data.store(1, relaxed);
          h.call([&] { x.exchange(1, relaxed); }, [](number& n) { n.set(1); });
        },
        [&] {
          const int seen = h.call([&] { return x.fetch_add(0, relaxed); }, [](number& n) { return n.get(); });
          model::observe("seen", seen);
          model::observe("data", data.load(relaxed));
        });
  });
  clean(r);
  CHECK(r.outcomes.contains("data=0 seen=1"));
}

TEST_CASE("realtime: nor are they in the order of seq_cst fences") {
  // Not even with them: a fence has no effect on a thread that it doesn't come before.
  const model::report r = by(true, [] {
    history h;
    atomic<int> x{0};
    together(
        [&] {
          h.call(
              [&] {
                x.store(1, relaxed);
                B::thread_fence(seq_cst);
              },
              [](number& n) { n.set(1); });
        },
        [&] {
          h.call(
              [&] {
                B::thread_fence(seq_cst);
                return x.load(relaxed);
              },
              [](number& n) { return n.get(); });
        });
  });
  REQUIRE(r.violation);
  CHECK(r.violation->kind == kind::not_linearizable);
}
