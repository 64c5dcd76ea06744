// SPDX-License-Identifier: BSL-1.0
#include <pawl/environment.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <thread>
#include <type_traits>
#include <vector>

#include "allocations.hpp"
#include "elements.hpp"
#include "minimal_backend.hpp"
#include "verify.hpp"

namespace {

using env = pawl::environment<pawl::native>;

// An owner as domains and pools are: it makes the objects, and ends them when it goes.
class owner {
 public:
  struct object {
    int users = 0;
  };
  owner() = default;
  owner(const owner&) = delete;
  owner& operator=(const owner&) = delete;
  ~owner() {
    objects.for_each([](object& each) { delete &each; });
  }
  object& mine() {
    return objects.get([this] {
      ++made;
      return new object;
    });
  }
  [[nodiscard]] std::size_t count() const {
    std::size_t n = 0;
    objects.for_each([&n](const object&) { ++n; });
    return n;
  }
  [[nodiscard]] std::size_t abandoned() const {
    std::size_t n = 0;
    objects.for_each_abandoned([&n](const object&) { ++n; });
    return n;
  }

  std::atomic<int> made{0};
  env::per_thread<object> objects;
};

}  // namespace

TEST_CASE("a thread finds its own object again, and no other") {
  owner o;
  CHECK(o.objects.find() == nullptr);
  CHECK(o.count() == 0);
  owner::object& mine = o.mine();
  CHECK(&o.mine() == &mine);
  CHECK(o.objects.find() == &mine);
  owner::object* other = nullptr;
  owner::object* other_again = nullptr;
  std::thread([&] {
    if (o.objects.find() != nullptr) return;
    other = &o.mine();
    other_again = o.objects.find();
  }).join();
  CHECK(other != nullptr);
  CHECK(other_again == other);
  CHECK(other != &mine);
  CHECK(o.made == 2);
  CHECK(o.count() == 2);
}

TEST_CASE("the object of an ended thread goes to the next that needs one, with what is in it") {
  owner o;
  for (int i = 0; i < 50; ++i) {
    int seen = -1;
    std::thread([&] { seen = o.mine().users++; }).join();
    CHECK(seen == i);
  }
  CHECK(o.made == 1);
  CHECK(o.abandoned() == 1);
  o.mine();
  CHECK(o.made == 1);
  CHECK(o.abandoned() == 0);
}

TEST_CASE("objects of running threads are not abandoned, and as many are made as threads run at a time") {
  owner o;
  std::atomic<int> have{0};
  std::atomic<bool> stop{false};
  std::atomic<int> clashes{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      if (++o.mine().users != 1) ++clashes;
      ++have;
      while (!stop) std::this_thread::yield();
    });
  }
  while (have != 8) std::this_thread::yield();
  CHECK(o.count() == 8);
  CHECK(o.abandoned() == 0);
  stop = true;
  for (auto& each : threads) each.join();
  CHECK(clashes == 0);
  CHECK(o.abandoned() == 8);
  CHECK(o.made == 8);
}

TEST_CASE("threads that come and go all the time never share an object") {
  owner o;
  std::atomic<int> clashes{0};
  const auto body = [&] {
    for (int i = 0; i < 200; ++i) {
      std::thread([&] {
        owner::object& mine = o.mine();
        if (++mine.users != 1) ++clashes;
        std::this_thread::yield();
        --mine.users;
      }).join();
      o.objects.for_each_abandoned([](owner::object& each) { each.users = 0; });
    }
  };
  std::thread other(body);
  body();
  other.join();
  CHECK(clashes == 0);
  CHECK(o.made <= 2 + 2);  // a look at the abandoned ones may hold one for a moment
}

TEST_CASE("an owner may end before the threads that used it") {
  std::atomic<int> stage{0};
  std::optional<owner> o(std::in_place);
  bool found_nothing = false;
  std::thread user([&] {
    o->mine();
    stage = 1;
    while (stage != 2) std::this_thread::yield();
    owner another;  // perhaps where the first one was
    found_nothing = another.objects.find() == nullptr;
    another.mine();
  });
  while (stage != 1) std::this_thread::yield();
  o.reset();
  stage = 2;
  user.join();
  CHECK(found_nothing);
}

TEST_CASE("an owner at the address of an ended one is another") {
  alignas(owner) std::byte memory[sizeof(owner)];
  for (int i = 0; i < 100; ++i) {
    auto* const o = new (memory) owner;
    bool right = o->objects.find() == nullptr;
    right = o->mine().users == 0 && right;
    o->mine().users = 7;
    o->~owner();
    if (!right) FAIL_CHECK("the ended owner's object was found");
  }
}

TEST_CASE("one thread has objects of many owners") {
  std::vector<std::unique_ptr<owner>> owners;
  for (int i = 0; i < 1000; ++i) {
    owners.push_back(std::make_unique<owner>());
    owners.back()->mine().users = i;
  }
  bool right = true;
  for (int i = 0; i < 1000; ++i) right = owners[static_cast<std::size_t>(i)]->mine().users == i && right;
  for (std::size_t i = 0; i < 1000; i += 2) owners[i].reset();
  for (int i = 0; i < 1000; ++i) {
    owners.push_back(std::make_unique<owner>());
    owners.back()->mine().users = 1000 + i;
  }
  for (int i = 1; i < 2000; i += i < 1000 ? 2 : 1) {
    const auto* const o = owners[static_cast<std::size_t>(i)].get();
    right = o->objects.find() != nullptr && o->objects.find()->users == i && right;
  }
  CHECK(right);
  for (const auto& each : owners) right = right && (each == nullptr || each->made == 1);
  CHECK(right);
}

TEST_CASE("owners that come and go leave no memory behind in a thread that lives on") {
  std::size_t early = 0;
  std::size_t late = 0;
  std::size_t at_the_end = 1;
  std::thread([&] {
    const std::size_t before = allocations::live_bytes();
    for (int i = 0; i < 20000; ++i) {
      owner o;
      o.mine();
      if (i == 200) early = allocations::live_bytes() - before;
    }
    late = allocations::live_bytes() - before;
  }).join();
  const std::size_t before = allocations::live_blocks();
  std::thread([] {
    owner o;
    o.mine();
  }).join();
  at_the_end = allocations::live_blocks() - before;
  CHECK(late <= 2 * early + 4096);
  CHECK(at_the_end == 0);
}

TEST_CASE("where make throws, the thread has no object, and may try again") {
  owner o;
  CHECK_THROWS_AS(o.objects.get([]() -> owner::object* { throw std::runtime_error("make"); }), std::runtime_error);
  CHECK(o.objects.find() == nullptr);
  CHECK(o.count() == 0);
  o.mine();
  CHECK(o.count() == 1);
}

TEST_CASE("an object is there while the thread's thread_locals end, and is handed on afterwards") {
  owner o;
  struct late {
    owner* o = nullptr;
    late() = default;
    late(const late&) = delete;
    late& operator=(const late&) = delete;
    ~late() {
      if (o != nullptr) ++o->mine().users;
    }
  };
  for (int i = 0; i < 3; ++i) {
    std::thread([&] {
      static thread_local late first_to_begin;
      first_to_begin.o = &o;
      if (i != 1) o.mine();
    }).join();
  }
  CHECK(o.made == 1);
  CHECK(o.abandoned() == 1);
  CHECK(o.mine().users == 3);
}

TEST_CASE("a global is one object, never destroyed, over every backend") {
  struct indestructible {
    int value = 3;
    indestructible() = default;
    indestructible(const indestructible&) = delete;
    indestructible& operator=(const indestructible&) = delete;
    ~indestructible() = delete;
  };
  auto& first = env::global<indestructible>();
  CHECK(first.value == 3);
  first.value = 4;
  indestructible* other = nullptr;
  std::thread([&] { other = &env::global<indestructible>(); }).join();
  CHECK(other == &first);
  CHECK(other->value == 4);
  CHECK(&pawl::environment<minimal_backend>::global<indestructible>() != &first);

  static int failures = 2;
  struct late_starter {
    late_starter() {
      if (failures-- > 0) throw thrown{};
    }
  };
  CHECK_THROWS_AS(env::global<late_starter>(), thrown);
  CHECK_THROWS_AS(env::global<late_starter>(), thrown);
  CHECK_NOTHROW(env::global<late_starter>());
}

TEST_CASE("allocate gives memory of any alignment") {
  for (std::size_t alignment = 1; alignment <= 4096; alignment *= 2) {
    void* const memory = env::allocate(100, alignment);
    CHECK(reinterpret_cast<std::uintptr_t>(memory) % alignment == 0);
    env::deallocate(memory, 100, alignment);
  }
  const allocations::failing now(1);
  bool threw = false;
  try {
    env::deallocate(env::allocate(100, 64), 100, 64);
  } catch (const std::bad_alloc&) {
    threw = true;
  }
  CHECK(threw);
}

TEST_CASE("plain holds a value from construct to destroy or take") {
  const long alive = counted::alive;
  counted::misused = 0;
  {
    pawl::plain<counted, pawl::native> field;
    CHECK(counted::alive == alive);
    field.construct(5);
    CHECK(field.get().value() == 5);
    field.edit() = counted(6);
    CHECK(field.take().value() == 6);
    CHECK(counted::alive == alive);
    field.construct(counted(7));
    field.destroy();
    CHECK(counted::alive == alive);

    const counted source(8);
    counted::throw_after = 0;
    CHECK_THROWS_AS(field.construct(source), thrown);
    counted::throw_after = -1;
    CHECK(counted::alive == alive + 1);
    field.construct(source);
    counted::throw_after = 0;
    CHECK_THROWS_AS(field.take(), thrown);  // ends the value all the same
    counted::throw_after = -1;
    CHECK(counted::alive == alive + 1);
  }
  CHECK(counted::alive == alive);
  CHECK(counted::misused == 0);

  pawl::plain<int, pawl::native> number;
  number.construct(1);
  number.set(2);
  CHECK(number.get() == 2);
  number.edit() += 3;
  CHECK(number.take() == 5);

  pawl::plain<move_only, minimal_backend> pointer;
  pointer.construct(new int(3));
  CHECK(*pointer.take() == 3);

  int field = 1;
  pawl::write_shared<pawl::native>(field, 2);
  CHECK(pawl::read_shared<pawl::native>(field) == 2);
}

TEST_CASE("the tuning is tiny where a sanitizer watches, so that rare paths are common") {
  constexpr pawl::tuning tuning = env::tuning;
  if (pawl::detail::under_asan || pawl::detail::under_tsan) {
    CHECK(tuning.scan_threshold <= 32);
    CHECK(tuning.cache_size <= 8);
  } else {
    CHECK(tuning.scan_threshold >= 100);
  }
  CHECK_FALSE(env::tracks_atomics);
  CHECK_FALSE(env::tracks_plain);
}
