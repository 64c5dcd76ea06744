// SPDX-License-Identifier: BSL-1.0
// Spin locks with more threads than processors: sections exclude each other, nobody is left waiting, fair locks serve in order, small
// tickets come round, and who gets a lock last may end it.
#include <pawl/spin_lock.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "catch.hpp"
#include "threads.hpp"
#include "watchdog.hpp"
#include "worlds.hpp"

namespace {

using stress::dice;
using stress::trial;

constexpr unsigned many = 8;  // more than the processors of the machines that run this most

// Calls check.operator()<Lock>() for every lock over backend B.
template <class B, class Check>
void for_each_lock(Check check) {
  check.template operator()<pawl::tas_lock<B>>();
  check.template operator()<pawl::ttas_lock<B>>();
  check.template operator()<pawl::ttas_lock<B, pawl::exponential_backoff>>();
  check.template operator()<pawl::ticket_lock<B>>();
  check.template operator()<pawl::mcs_lock<B>>();
}
constexpr int locks = 5;

/// What a lock guards, plain. Two sections at once would lose a count, and break the tie of the two halves.
struct guarded {
  std::uint64_t sections = 0;
  std::array<std::uint64_t, 2> halves{};
  void enter(trial& t, bool stops) {
    t.expect(halves[0] == halves[1], "two sections at once");
    ++halves[0];
    if (stops) std::this_thread::yield();
    ++halves[1];
    ++sections;
  }
};

// Locks and tries by many threads, which now and then give their processor away while they hold the lock.
template <class Lock>
void exclude(unsigned threads) {
  const watchdog dog("a spin lock");
  trial trial(stress::duration / locks);
  Lock lock;
  guarded data;
  std::vector<std::uint64_t> entered(threads);
  std::vector<std::uint64_t> refused(threads);
  trial.run(threads, [&](unsigned self) {
    dice chance(self);
    // At least once, whoever was late.
    for (bool first = true; first || trial.goes_on(); first = false) {
      if (!first && chance.one_in(4)) {
        if (!lock.try_lock()) {
          ++refused[self];
          continue;
        }
      } else {
        lock.lock();
      }
      data.enter(trial, chance.one_in(64));
      ++entered[self];
      lock.unlock();
    }
  });
  REQUIRE(trial.failure() == "");
  std::uint64_t sum = 0;
  for (const std::uint64_t each : entered) sum += each;
  CHECK(data.sections == sum);
  CHECK(data.sections >= threads);
  CHECK(lock.try_lock());
}

template <class Lock>
void serve_everybody() {
  const watchdog dog("a fair lock");
  trial trial(stress::duration / 2);
  Lock lock;
  std::array<std::uint64_t, many> entered{};
  trial.run(many, [&](unsigned self) {
    // At least once, whoever was late.
    do {
      const std::scoped_lock holder(lock);
      ++entered[self];
    } while (trial.goes_on());
  });
  for (const std::uint64_t each : entered) CHECK(each > 0);
}

}  // namespace

TEMPLATE_TEST_CASE("sections exclude each other, by two threads and by many", "", pawl::native, stress::minimal, stress::restless) {
  for_each_lock<TestType>([]<class Lock>() {
    exclude<Lock>(2);
    exclude<Lock>(many);
  });
}

// A try_lock that sleeps between its two steps for as long as the numbers take to come round may take a lock that is held, as its page says;
// so the smallest are locked only.
TEMPLATE_TEST_CASE("a ticket lock excludes while its numbers come round many times", "", pawl::native, stress::minimal,
                   stress::restless) {
  const watchdog dog("a lock of small tickets");
  for (const unsigned threads : {2U, many}) {
    trial trial(stress::duration / 2);
    pawl::ticket_lock<TestType, std::uint8_t> lock;
    guarded data;
    trial.run(threads, [&](unsigned self) {
      dice chance(self);
      // However late it is, once round for all together.
      for (unsigned i = 0; i <= 256 / threads || trial.goes_on(); ++i) {
        const std::scoped_lock holder(lock);
        data.enter(trial, chance.one_in(64));
      }
    });
    REQUIRE(trial.failure() == "");
    CHECK(data.sections > 256);
  }
}

TEST_CASE("everybody who waits for a fair lock is served, more threads than processors or not") {
  serve_everybody<pawl::ticket_lock<>>();
  serve_everybody<pawl::mcs_lock<>>();
  serve_everybody<pawl::mcs_lock<stress::restless>>();
}

namespace {

/// A thread that waits has joined the queue, and says so at its first pause.
struct member {
  std::uint64_t attempt = 0;
  std::atomic<std::uint64_t> joined{0};  // by which attempt at last
};

struct announcing : pawl::backend::builtin {
  static constexpr const char* name = "announcing";
  static inline thread_local member* self = nullptr;
  static void pause() noexcept {
    // release: pairs with the acquire of who comes, so who sees it knows that we are in the queue
    if (self != nullptr) self->joined.store(self->attempt, std::memory_order_release);
    std::this_thread::yield();  // so that others come meanwhile
  }
};
static_assert(pawl::is_backend<announcing>);

// Whom a thread sees waiting before it comes has been served when it is served.
template <class Lock>
void serve_in_order(unsigned threads) {
  const watchdog dog("a fair lock");
  trial trial;
  Lock lock;
  std::vector<member> members(threads);
  std::vector<std::uint64_t> served(threads);  // guarded by the lock: the attempt that got it last
  std::atomic<std::uint64_t> seen_waiting{0};
  trial.run(threads, [&](unsigned self) {
    std::vector<std::uint64_t> before(threads);
    member& me = members[self];
    announcing::self = &me;
    // However late it is, until somebody has waited.
    while (trial.goes_on() || seen_waiting.load(std::memory_order_relaxed) == 0) {
      ++me.attempt;
      for (unsigned i = 0; i < threads; ++i) before[i] = members[i].joined.load(std::memory_order_acquire);
      lock.lock();
      for (unsigned i = 0; i < threads; ++i) trial.expect(i == self || served[i] >= before[i], "who came later was served first");
      served[self] = me.attempt;
      if (me.joined.load(std::memory_order_relaxed) == me.attempt) seen_waiting.fetch_add(1, std::memory_order_relaxed);
      lock.unlock();
    }
    announcing::self = nullptr;
  });
  REQUIRE(trial.failure() == "");
}

/// So many threads lock it once, and the last of them ends it.
template <class Lock>
struct ended_by_the_last {
  explicit ended_by_the_last(unsigned threads) : left(threads) {}
  Lock lock;
  unsigned left;
};

template <class Lock>
void end_by_the_last() {
  const watchdog dog("a lock that the last holder ends");
  using round = ended_by_the_last<Lock>;
  constexpr unsigned threads = 4;
  constexpr std::size_t rounds = 200;
  trial trial(stress::duration / locks);
  while (trial.goes_on()) {
    std::vector<std::unique_ptr<round>> all(rounds);
    for (auto& each : all) each = std::make_unique<round>(threads);
    trial.run(threads, [&all](unsigned) {
      for (auto& each : all) {
        round* const object = each.get();
        object->lock.lock();
        const unsigned left = --object->left;
        object->lock.unlock();
        if (left == 0) each.reset();
      }
    });
    for (const auto& each : all) trial.expect(each == nullptr, "a round without a last holder");
  }
  REQUIRE(trial.failure() == "");
}

}  // namespace

TEST_CASE("fair locks serve in the order in which threads came, by two, by many, and by very many") {
  for (const unsigned threads : {2U, many, 24U}) {
    serve_in_order<pawl::ticket_lock<announcing>>(threads);
    serve_in_order<pawl::mcs_lock<announcing>>(threads);
  }
}

TEMPLATE_TEST_CASE("who gets a lock last may end it", "", pawl::native, stress::restless) {
  for_each_lock<TestType>([]<class Lock>() { end_by_the_last<Lock>(); });
}
