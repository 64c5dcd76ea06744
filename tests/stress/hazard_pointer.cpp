// SPDX-License-Identifier: BSL-1.0
#include <pawl/hazard_pointer.hpp>

#include <array>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include <pawl/queue.hpp>

#include "catch.hpp"
#include "threads.hpp"
#include "worlds.hpp"

namespace {

using stress::dice;
using stress::trial;

/// An object that shows whether it lives.
struct bird : pawl::hazard_pointer_obj_base<bird> {
  explicit bird(std::uint64_t its_number) : number(its_number), twin(its_number) {}
  bird(const bird&) = delete;
  bird& operator=(const bird&) = delete;
  // volatile: or else the compiler drops what nobody may read
  ~bird() { *const_cast<volatile std::uint64_t*>(&song) = 0; }
  [[nodiscard]] bool sings() const noexcept {
    return *const_cast<const volatile std::uint64_t*>(&song) == melody && number == twin;
  }

  static constexpr std::uint64_t melody = 0x0123456789abcdef;
  std::uint64_t song = melody;
  std::uint64_t number;
  std::uint64_t twin;
};

/// Places of which each holds a bird. Whoever replaces one retires it to the domain.
template <class B, std::size_t Count>
class aviary {
 public:
  using domain = pawl::hazard_pointers<B>;
  using place = pawl::atomic<bird*, B>;

  explicit aviary(domain& its_domain) : domain_(its_domain) {
    for (place& each : places_) each.store(new bird(0));
  }
  aviary(const aviary&) = delete;
  aviary& operator=(const aviary&) = delete;
  ~aviary() {
    for (place& each : places_) delete each.load();
  }
  const place& at(std::size_t i) const noexcept { return places_[i]; }
  void replace(std::size_t i, std::uint64_t number) {
    bird* const old = places_[i].exchange(new bird(number), std::memory_order_acq_rel);
    old->retire({}, domain_);
  }

 private:
  domain& domain_;
  std::array<place, Count> places_;
};

// What hazard_pointer.hpp states, of threads that retire and slots.
inline std::size_t due(std::size_t slots) { return std::max<std::size_t>(pawl::tuning{}.scan_threshold, 2 * slots); }
inline std::int64_t most_garbage(std::size_t threads, std::size_t slots) {
  return static_cast<std::int64_t>(threads * (due(slots) + due(slots) / 4));
}

// Readers and writers of two places; the garbage is looked at all the time.
template <class B>
void replace_and_read(pawl::hazard_pointers<B>& domain, bool scan_often) {
  constexpr unsigned threads = 4;
  trial trial;
  {
    aviary<B, 2> birds(domain);
    trial.run(threads, [&](unsigned self) {
      dice chance(self);
      auto guard = make_hazard_pointer(domain);
      auto second = make_hazard_pointer(domain);
      for (std::uint64_t number = 1; trial.goes_on(); ++number) {
        const std::size_t place = chance.below(2);
        if (self < 2) {
          birds.replace(place, number);
          if (scan_often) domain.reclaim();
          continue;
        }
        for (unsigned i = 0; i < 8; ++i) {
          switch (chance.below(3)) {
            case 0: {
              const bird* const seen = guard.protect(birds.at(place));
              if (chance.one_in(16)) std::this_thread::sleep_for(std::chrono::microseconds(1));
              trial.expect(seen->sings(), "a protected object ended");
              break;
            }
            case 1: {
              bird* seen = birds.at(place).load(std::memory_order_relaxed);
              if (guard.try_protect(seen, birds.at(place))) trial.expect(seen->sings(), "a protected object ended");
              break;
            }
            default: {
              // Handed from one hazard pointer to another, and the first one goes on to something else. (By swap: of an object that may
              // be retired already, reset_protection(seen) would protect nothing.)
              const bird* const seen = guard.protect(birds.at(place));
              guard.swap(second);
              guard.protect(birds.at(1 - place));
              trial.expect(seen->sings(), "an object that a second hazard pointer protects ended");
              second.reset_protection();
              break;
            }
          }
          guard.reset_protection();
        }
        const auto now = domain.stats();
        const auto waiting = static_cast<std::int64_t>(now.retired - now.reclaimed);
        trial.expect(waiting <= most_garbage(now.records, (now.records + 1) * 32), "garbage piles up");
      }
    });
  }
  domain.reclaim();
  trial.expect(domain.stats().retired == domain.stats().reclaimed, "what nobody protects is not freed");
  REQUIRE(trial.failure() == "");
}

// Counts what a domain takes, for all instances at once.
template <class T>
struct counting_allocator {
  using value_type = T;
  counting_allocator() = default;
  template <class U>
  counting_allocator(const counting_allocator<U>&) noexcept {}  // NOLINT(google-explicit-constructor): as allocators are
  T* allocate(std::size_t n) {
    ++alive();
    return std::allocator<T>().allocate(n);
  }
  void deallocate(T* memory, std::size_t n) noexcept {
    --alive();
    std::allocator<T>().deallocate(memory, n);
  }
  static std::atomic<int>& alive() {
    if constexpr (std::is_same_v<T, std::byte>) {
      static std::atomic<int> count{0};
      return count;
    } else {
      return counting_allocator<std::byte>::alive();
    }
  }
  template <class U>
  bool operator==(const counting_allocator<U>&) const noexcept {
    return true;
  }
};

/// An object whose end is the retirement of the next one.
struct nested;
struct end_nested {
  void operator()(nested* ended) const noexcept;
};
struct nested : pawl::hazard_pointer_obj_base<nested, end_nested> {
  nested(pawl::hazard_pointers<>& its_domain, pawl::queue<std::uint64_t>& its_ends, nested* its_rest)
      : domain(its_domain), ends(its_ends), rest(its_rest) {}
  pawl::hazard_pointers<>& domain;
  pawl::queue<std::uint64_t>& ends;
  nested* rest;
};
void end_nested::operator()(nested* ended) const noexcept {
  ended->ends.push(1);
  if (ended->rest != nullptr) ended->rest->retire({}, ended->domain);
  delete ended;
}

}  // namespace

TEMPLATE_TEST_CASE("what a hazard pointer protects lives, and garbage stays bounded", "", pawl::native, pawl::backend::builtin,
                   stress::minimal, stress::restless) {
  pawl::hazard_pointers<TestType> domain;
  replace_and_read(domain, false);
  replace_and_read(pawl::hazard_pointer_default_domain<TestType>(), false);
}

namespace {

/// Counts how many of its kind are retired and not yet freed.
struct mortal;
struct end_mortal {
  void operator()(mortal* ended) const noexcept;
};
struct mortal : pawl::hazard_pointer_obj_base<mortal, end_mortal> {
  struct books {
    alignas(pawl::cache_line) std::atomic<std::int64_t> retired{0};
    alignas(pawl::cache_line) std::atomic<std::int64_t> freed{0};
    // Too few, if anything: what was retired before, without what has been freed since.
    [[nodiscard]] std::int64_t waiting() const noexcept {
      const std::int64_t before = retired.load(std::memory_order_acquire);
      return before - freed.load(std::memory_order_acquire);
    }
  };
  explicit mortal(books& its_books) : all(its_books) {}
  books& all;
  int value = 7;
};
void end_mortal::operator()(mortal* ended) const noexcept {
  ended->all.freed.fetch_add(1, std::memory_order_release);
  ended->value = 0;
  delete ended;
}

// Writers retire without pause while one reader sleeps with a protected object, and the garbage is looked at all the time.
template <class B>
void garbage_peaks_below_its_bound(unsigned writers, std::size_t guards_each) {
  trial trial(std::chrono::minutes(1));  // the threads end by themselves, when all have begun
  mortal::books books;
  std::int64_t peak = 0;
  // The reader uses the domain, too.
  const std::size_t slots = (writers + 1) * 16 * (1 + (guards_each + 15) / 16);
  const std::int64_t most = most_garbage(writers, slots);
  trial.expect(most == static_cast<std::int64_t>(pawl::hazard_pointers<B>::most_unreclaimed(writers, writers + 1, guards_each)),
               "most_unreclaimed is another bound");
  {
    pawl::hazard_pointers<B> domain;
    pawl::atomic<mortal*, B> place(new mortal(books));
    std::atomic<unsigned> have_slots{0};
    std::atomic<unsigned> are_at_the_edge{0};
    std::atomic<unsigned> ended{0};
    const auto meet = [&](std::atomic<unsigned>& arrived, unsigned all) {
      arrived.fetch_add(1);
      while (arrived.load() < all && trial.goes_on()) std::this_thread::yield();
    };
    const auto replace = [&] {
      mortal* const old = place.exchange(new mortal(books), std::memory_order_acq_rel);
      old->retire({}, domain);
      books.retired.fetch_add(1, std::memory_order_release);
    };
    const auto read = [&](auto& guard) {
      const mortal* const seen = guard.protect(place);
      meet(have_slots, writers + 1);
      while (ended.load() < writers) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      trial.expect(seen->value == 7, "a protected object ended");
    };
    const auto write = [&] {
      meet(have_slots, writers + 1);
      // Up to where nobody has scanned yet: all threads may be that far at one time.
      for (std::size_t i = 1; i < due(slots); ++i) replace();
      meet(are_at_the_edge, writers + 1);
      const auto end = std::chrono::steady_clock::now() + stress::duration;
      while (trial.goes_on() && std::chrono::steady_clock::now() < end) replace();
      ended.fetch_add(1);
    };
    trial.run(writers + 2, [&](unsigned self) {
      if (self > writers) {
        const auto look = [&] {
          peak = std::max(peak, books.waiting());
          trial.expect(peak <= most, "more garbage than the bound");
        };
        while (are_at_the_edge.load() < writers && trial.goes_on()) look();
        look();
        meet(are_at_the_edge, writers + 1);
        while (ended.load() < writers) look();
        return;
      }
      std::vector<pawl::basic_hazard_pointer<B>> guards(guards_each);
      make_hazard_pointer_batch(std::span<pawl::basic_hazard_pointer<B>>(guards), domain);
      if (self == writers) {
        read(guards[0]);
      } else {
        write();
      }
    });
    delete place.load();
  }
  trial.expect(books.waiting() == 0, "what was retired is freed at the domain's end, once");
  CAPTURE(writers, guards_each, peak, most);
  CHECK(2 * peak >= most);
  REQUIRE(trial.failure() == "");
}

}  // namespace

TEMPLATE_TEST_CASE("garbage peaks below its bound and above half of it while a reader sleeps for ever", "", pawl::native,
                   stress::restless) {
  garbage_peaks_below_its_bound<TestType>(1, 1);
  garbage_peaks_below_its_bound<TestType>(4, 1);
  garbage_peaks_below_its_bound<TestType>(2, 17);
  garbage_peaks_below_its_bound<TestType>(3, 300);
}

TEMPLATE_TEST_CASE("a scan between any two steps frees nothing that is protected", "", pawl::native, stress::restless) {
  pawl::hazard_pointers<TestType> domain;
  replace_and_read(domain, true);
}

// Where the system has no membarrier: the light fence is then a full one. No other thread uses pawl while we pretend so.
TEMPLATE_TEST_CASE("hazard pointers protect without membarrier", "", pawl::native, pawl::backend::builtin, stress::restless) {
  auto& state = pawl::detail::asymmetric;
  const auto before = state.exchange(pawl::detail::asymmetric_state::fallback, std::memory_order_relaxed);
  {
    pawl::hazard_pointers<TestType> domain;
    replace_and_read(domain, true);
    replace_and_read(domain, false);
  }
  state.store(before, std::memory_order_relaxed);
}

// More hazard pointers than a record begins with, all in use at a time.
TEMPLATE_TEST_CASE("each of many hazard pointers protects", "", pawl::native, stress::restless) {
  constexpr std::size_t count = 50;
  trial trial;
  pawl::hazard_pointers<TestType> domain;
  {
    aviary<TestType, count> birds(domain);
    trial.run(3, [&](unsigned self) {
      dice chance(self);
      std::array<pawl::basic_hazard_pointer<TestType>, count> guards;
      const std::span<pawl::basic_hazard_pointer<TestType>> all_guards(guards);
      while (trial.goes_on()) {
        if (self < 2) {
          birds.replace(chance.below(count), chance.roll());
          domain.reclaim();
          continue;
        }
        pawl::make_hazard_pointer_batch(all_guards, domain);
        std::array<const bird*, count> seen{};
        for (std::size_t i = 0; i < count; ++i) seen[i] = guards[i].protect(birds.at(i));
        // All of them are replaced now and then; what we hold is as it was.
        for (unsigned round = 0; round < 4; ++round) {
          std::this_thread::yield();
          for (const bird* each : seen) trial.expect(each->sings(), "a protected object ended");
        }
        pawl::clear_hazard_pointer_batch(all_guards);
      }
    });
  }
  domain.reclaim();
  trial.expect(domain.stats().retired == domain.stats().reclaimed, "what nobody protects is not freed");
  REQUIRE(trial.failure() == "");
}

// The slot goes home when a hazard pointer ends on another thread, where the first one may have ended, and its record be another's.
TEMPLATE_TEST_CASE("hazard pointers wander from thread to thread", "", pawl::native, stress::restless) {
  using allocator = counting_allocator<std::byte>;
  using domain_type = pawl::hazard_pointers<TestType, allocator>;
  struct parcel {
    pawl::basic_hazard_pointer<TestType> guard;
    const bird* seen;
  };
  constexpr unsigned threads = 4;
  trial trial;
  {
    domain_type domain;
    std::array<pawl::atomic<bird*, TestType>, 2> places;
    for (auto& each : places) each.store(new bird(0));
    std::mutex mutex;
    std::optional<parcel> mailbox;
    trial.run(threads, [&](unsigned self) {
      dice chance(self);
      while (trial.goes_on()) {
        const auto work = [&] {
          for (unsigned i = 0; i < 20; ++i) {
            auto& place = places[chance.below(2)];
            if (self == 0) {
              place.exchange(new bird(i), std::memory_order_acq_rel)->retire({}, domain);
              if (i % 4 == 0) domain.reclaim();
              continue;
            }
            parcel made{make_hazard_pointer(domain), nullptr};
            made.seen = made.guard.protect(place);
            std::optional<parcel> received(std::move(made));
            {
              const std::lock_guard lock(mutex);
              mailbox.swap(received);
            }
            if (received) trial.expect(received->seen->sings(), "an object ended whose hazard pointer moved to another thread");
          }
        };
        if (self == 3) {
          std::thread(work).join();
        } else {
          work();
        }
      }
    });
    mailbox.reset();
    for (auto& each : places) delete each.load();
    // Records and chunks of slots; a handful per thread is plenty for one hazard pointer each.
    trial.expect(allocator::alive() <= 4 * static_cast<int>(threads), "slots that end on other threads are lost");
  }
  trial.expect(allocator::alive() == 0, "a domain leaves memory behind");
  REQUIRE(trial.failure() == "");
}

TEST_CASE("a hazard pointer reads std::atomic, too") {
  trial trial;
  std::atomic<bird*> place{new bird(0)};
  trial.run(3, [&](unsigned self) {
    pawl::hazard_pointer guard = pawl::make_hazard_pointer();
    for (std::uint64_t number = 1; trial.goes_on(); ++number) {
      if (self == 0) {
        place.exchange(new bird(number), std::memory_order_acq_rel)->retire();
      } else {
        trial.expect(guard.protect(place)->sings(), "a protected object ended");
      }
    }
  });
  place.exchange(nullptr)->retire();
  pawl::hazard_pointer_default_domain<>().reclaim();
  REQUIRE(trial.failure() == "");
}

// A deleter may retire, and use containers of the same domain.
TEST_CASE("deleters retire more and use containers") {
  constexpr unsigned threads = 3;
  constexpr unsigned length = 5;
  trial trial;
  pawl::hazard_pointers<> domain;
  std::vector<std::uint64_t> made(threads);
  std::uint64_t ended = 0;
  {
    pawl::queue<std::uint64_t> ends(domain);
    std::atomic<std::uint64_t> popped{0};
    trial.run(threads, [&](unsigned self) {
      std::uint64_t count = 0;
      std::uint64_t mine = 0;
      for (; trial.goes_on(); count += length) {
        nested* last = nullptr;
        for (unsigned i = 0; i < length; ++i) last = new nested{domain, ends, last};
        last->retire({}, domain);
        while (ends.try_pop()) ++mine;
      }
      made[self] = count;
      popped += mine;
    });
    for (unsigned i = 0; i < length; ++i) domain.reclaim();
    while (ends.try_pop()) ++popped;
    ended = popped;
  }
  for (const std::uint64_t each : made) ended -= each;
  trial.expect(ended == 0, "a deleter ran twice or never");
  REQUIRE(trial.failure() == "");
}
