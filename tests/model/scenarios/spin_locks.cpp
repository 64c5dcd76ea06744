// SPDX-License-Identifier: BSL-1.0
// The four spin locks: a section excludes others and knows what the last one left, whoever waits gets in, fair locks serve in order, and
// locks are held together and given back in any order.
#include <pawl/backoff.hpp>
#include <pawl/spin_lock.hpp>

#include <cstdint>
#include <mutex>
#include <string>
#include <utility>

#include "model/scenarios.hpp"

namespace scenarios {
namespace {

/// What a lock guards: plain, so that two sections at once are a data race, and so is one that doesn't know the last one's end.
struct guarded {
  model::var<int> sections{0};
  void enter() { sections.set(sections.get() + 1); }
};

template <class Lock>
void add_to_all(std::vector<scenario>& all, const std::string& name) {
  const auto add = [&](const char* what, std::function<void()> body) {
    all.push_back({"spin lock: " + name + ": " + what, std::move(body)});
  };
  add("lock | lock", [] {
    Lock lock;
    guarded data;
    const auto use = [&] {
      const std::scoped_lock holder(lock);
      data.enter();
    };
    at_once(use, use);
    model::require(data.sections.get() == 2, "each came in once");
    model::require(lock.try_lock(), "it is free in the end");
  });
  add("lock, lock | lock", [] {
    Lock lock;
    guarded data;
    const auto use = [&] {
      const std::scoped_lock holder(lock);
      data.enter();
    };
    at_once(
        [&] {
          use();
          use();
        },
        use);
    model::require(data.sections.get() == 3 && lock.try_lock(), "each came in, and it is free in the end");
  });
  add("lock, lock | lock, lock", [] {
    Lock lock;
    guarded data;
    const auto use_twice = [&] {
      for (int i = 0; i < 2; ++i) {
        const std::scoped_lock holder(lock);
        data.enter();
      }
    };
    at_once(use_twice, use_twice);
    model::require(data.sections.get() == 4 && lock.try_lock(), "each came in, and it is free in the end");
  });
  add("lock | lock | lock", [] {
    Lock lock;
    guarded data;
    const auto use = [&] {
      const std::scoped_lock holder(lock);
      data.enter();
    };
    at_once(use, use, use);
    model::require(data.sections.get() == 3 && lock.try_lock(), "each came in, and it is free in the end");
  });
  add("try_lock | try_lock", [] {
    Lock lock;
    guarded data;
    const auto use = [&] {
      if (!lock.try_lock()) return;
      data.enter();
      lock.unlock();
    };
    at_once(use, use);
    model::require(data.sections.get() >= 1 && lock.try_lock(), "one came in, and it is free in the end");
    model::require(!lock.try_lock(), "and held now");
  });
  add("lock | try_lock", [] {
    Lock lock;
    guarded data;
    at_once(
        [&] {
          const std::scoped_lock holder(lock);
          data.enter();
        },
        [&] {
          if (!lock.try_lock()) return;
          data.enter();
          lock.unlock();
        });
    model::require(data.sections.get() >= 1 && lock.try_lock(), "the first came in, and it is free in the end");
  });
  add("lock | lock | try_lock", [] {
    Lock lock;
    guarded data;
    const auto use = [&] {
      const std::scoped_lock holder(lock);
      data.enter();
    };
    at_once(use, use, [&] {
      if (!lock.try_lock()) return;
      data.enter();
      lock.unlock();
    });
    model::require(data.sections.get() >= 2 && lock.try_lock(), "who locks came in, and it is free in the end");
  });
  add("lock | try_lock | try_lock", [] {
    Lock lock;
    guarded data;
    const auto tries = [&] {
      if (!lock.try_lock()) return;
      data.enter();
      lock.unlock();
    };
    at_once(
        [&] {
          const std::scoped_lock holder(lock);
          data.enter();
        },
        tries, tries);
    model::require(data.sections.get() >= 1 && lock.try_lock(), "who locks came in, and it is free in the end");
  });
  add("try_lock | try_lock | try_lock", [] {
    Lock lock;
    guarded data;
    const auto use = [&] {
      if (!lock.try_lock()) return;
      data.enter();
      lock.unlock();
    };
    at_once(use, use, use);
    model::require(data.sections.get() >= 1 && lock.try_lock(), "one came in, and it is free in the end");
  });
  // unlock touches nothing of the lock when another may have it: so who gets it last may end it.
  add("lock | lock, and the last one ends it", [] {
    Lock* const lock = model::make<Lock>();
    model::var<int> left{2};
    const auto use = [&] {
      lock->lock();
      const int others = left.get() - 1;
      left.set(others);
      lock->unlock();
      if (others == 0) model::destroy(lock);
    };
    at_once(use, use);
  });
  add("two, held together and given back in either order", [] {
    Lock first;
    Lock second;
    guarded data;
    at_once(
        [&] {
          first.lock();
          second.lock();
          data.enter();
          first.unlock();
          second.unlock();
        },
        [&] {
          first.lock();
          second.lock();
          data.enter();
          second.unlock();
          first.unlock();
        });
    model::require(data.sections.get() == 2 && first.try_lock() && second.try_lock(), "each came in, and both are free in the end");
  });
  add("two, each held by itself inside and outside", [] {
    Lock outer;
    Lock inner;
    guarded first;
    guarded second;
    at_once(
        [&] {
          outer.lock();
          inner.lock();
          first.enter();
          second.enter();
          outer.unlock();
          inner.unlock();
        },
        [&] {
          const std::scoped_lock holder(inner);
          second.enter();
        },
        [&] {
          const std::scoped_lock holder(outer);
          first.enter();
        });
    model::require(first.sections.get() == 2 && second.sections.get() == 2, "each came in");
  });
  // By std::lock, which locks one and tries the other. (Where it fails it gives back and starts over, in a loop of its own without a
  // pause; so one thread is enough for the model.)
  add("two, by one scoped_lock", [] {
    Lock first;
    Lock second;
    guarded data;
    {
      const std::scoped_lock both(first, second);
      data.enter();
      model::require(!first.try_lock() && !second.try_lock(), "both are held");
    }
    at_once([&] { model::require(first.try_lock(), "it is free"); }, [&] { model::require(second.try_lock(), "it is free"); });
  });
}

/// backend::model with a word that a thread sets when it first waits, by its first pause: so others know that it is in the queue.
struct announcing : B {
  static constexpr const char* name = "announcing";
  static inline atomic<bool>* waits = nullptr;
  static void pause() noexcept {
    // relaxed: only whether this thread has done it
    if (!waits->load(std::memory_order_relaxed)) {
      // release: pairs with the acquire of who looks, so whoever sees it knows that we are in the queue
      waits->store(true, std::memory_order_release);
    }
    B::pause();
  }
};

}  // namespace
}  // namespace scenarios

template <>
struct pawl::environment<scenarios::announcing> : pawl::environment<pawl::backend::model> {};

namespace scenarios {
namespace {

/// Fair: of two who wait, the one comes in first of whom the other knew when it came.
template <template <class...> class Lock>
void add_fairness(std::vector<scenario>& all, const std::string& name) {
  all.push_back({"spin lock: " + name + ": one waits, and then another", [] {
                   Lock<announcing> lock;
                   atomic<bool> waits{false};
                   announcing::waits = &waits;
                   model::var<int> served{0};
                   lock.lock();
                   model::thread second([&] {
                     lock.lock();
                     model::require(served.get() == 0, "who came first is served first");
                     served.set(1);
                     lock.unlock();
                   });
                   // acquire: pairs with the release of announcing::pause
                   while (!waits.load(std::memory_order_acquire)) B::pause();
                   model::thread third([&] {
                     lock.lock();
                     model::require(served.get() == 1, "who came last is served last");
                     served.set(2);
                     lock.unlock();
                   });
                   lock.unlock();
                   second.join();
                   third.join();
                   model::require(served.get() == 2, "both were served");
                 }});
}

/// The numbers come round while threads wait for them.
void add_last_tickets(std::vector<scenario>& all) {
  all.push_back({"spin lock: ticket of a byte: lock | lock | try_lock, where its numbers end", [] {
                   pawl::ticket_lock<B, std::uint8_t> lock;
                   for (int i = 0; i < 254; ++i) {
                     lock.lock();
                     lock.unlock();
                   }
                   guarded data;
                   const auto use = [&] {
                     const std::scoped_lock holder(lock);
                     data.enter();
                   };
                   at_once(use, use, [&] {
                     if (!lock.try_lock()) return;
                     data.enter();
                     lock.unlock();
                   });
                   model::require(data.sections.get() >= 2 && lock.try_lock(), "who locks came in, and it is free in the end");
                   model::require(!lock.try_lock(), "and held now");
                 }});
}

}  // namespace

void add_spin_locks(std::vector<scenario>& all) {
  add_to_all<pawl::tas_lock<B>>(all, "tas");
  add_to_all<pawl::ttas_lock<B>>(all, "ttas");
  add_to_all<pawl::ticket_lock<B>>(all, "ticket");
  add_to_all<pawl::mcs_lock<B>>(all, "mcs");
  add_fairness<pawl::ticket_lock>(all, "ticket");
  add_fairness<pawl::mcs_lock>(all, "mcs");
  add_last_tickets(all);
}

}  // namespace scenarios
