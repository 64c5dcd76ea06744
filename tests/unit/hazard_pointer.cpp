// SPDX-License-Identifier: BSL-1.0
#include <pawl/hazard_pointer.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "allocations.hpp"
#include "domains.hpp"
#include "minimal_backend.hpp"
#include "verify.hpp"

namespace {

using pawl::hazard_pointer;
using pawl::hazard_pointer_obj_base;
using pawl::hazard_pointers;
using pawl::make_hazard_pointer;

using hazards = domains::hazards;
using object = domains::object<hazards>;

// What C++26 says of the types.
static_assert(std::is_default_constructible_v<hazard_pointer> && std::is_nothrow_move_constructible_v<hazard_pointer> &&
              std::is_nothrow_move_assignable_v<hazard_pointer> && !std::is_copy_constructible_v<hazard_pointer> &&
              !std::is_copy_assignable_v<hazard_pointer> && std::is_nothrow_swappable_v<hazard_pointer>);
static_assert(std::is_same_v<hazard_pointer, pawl::basic_hazard_pointer<pawl::native>>);
static_assert(std::is_same_v<decltype(make_hazard_pointer()), hazard_pointer>);
static_assert(noexcept(std::declval<object&>().retire()) &&
              noexcept(std::declval<object&>().retire(std::default_delete<object>())));
template <class Source>
concept protected_by = requires(hazard_pointer& h, const hazard_pointer& c, object*& p, const object* q, const Source& source) {
  { c.empty() } noexcept -> std::same_as<bool>;
  { h.protect(source) } noexcept -> std::same_as<object*>;
  { h.try_protect(p, source) } noexcept -> std::same_as<bool>;
  { h.reset_protection(q) } noexcept -> std::same_as<void>;
  { h.reset_protection(nullptr) } noexcept -> std::same_as<void>;
  { h.reset_protection() } noexcept -> std::same_as<void>;
  { h.swap(h) } noexcept -> std::same_as<void>;
  { swap(h, h) } noexcept -> std::same_as<void>;
};
static_assert(protected_by<pawl::atomic<object*>> && protected_by<std::atomic<object*>>);
static_assert(!std::is_copy_constructible_v<hazard_pointers<>> && !std::is_copy_assignable_v<hazard_pointers<>> &&
              std::is_default_constructible_v<hazard_pointers<>>);

// A copy of an object is another one, which nobody has retired.
struct copyable : hazard_pointer_obj_base<copyable> {
  int value = 0;
};
static_assert(std::is_copy_constructible_v<copyable> && std::is_copy_assignable_v<copyable>);

template <class Domain>
bool is_held(Domain& domain, int expected_alive) {
  domain.reclaim();
  return object::alive == expected_alive;
}

// The members, over a backend, with a source of either kind.
template <class B, template <class> class Atomic>
void every_member_does_what_it_says() {
  const int before = object::alive;
  {
    hazard_pointers<B> domain;
    Atomic<object*> source(nullptr);
    pawl::basic_hazard_pointer<B> none;
    verify(none.empty());
    auto h = make_hazard_pointer(domain);
    verify(!h.empty());
    verify(h.protect(source) == nullptr);

    auto* const first = new object(1);
    source.store(first);
    verify(h.protect(source) == first);
    source.store(nullptr);
    first->retire({}, domain);
    verify(is_held(domain, before + 1));
    verify(first->value == 1 && first->life == object::living);
    h.reset_protection();
    verify(is_held(domain, before));

    // try_protect: one attempt, for the pointer that we have.
    auto* const second = new object(2);
    source.store(second);
    object* guess = nullptr;
    verify(!h.try_protect(guess, source));
    verify(guess == second);
    verify(h.try_protect(guess, source));
    verify(guess == second);
    object* stale = second;
    auto* const third = new object(3);
    source.store(third);
    second->retire({}, domain);
    verify(is_held(domain, before + 2));
    verify(!h.try_protect(stale, source));  // protects nothing now, not second either
    verify(stale == third);
    verify(is_held(domain, before + 1));

    // reset_protection of a pointer protects it from a retire that follows.
    h.reset_protection(third);
    source.store(nullptr);
    third->retire({}, domain);
    verify(is_held(domain, before + 1));
    h.reset_protection(nullptr);
    verify(is_held(domain, before));

    // Moving and swapping moves the protection.
    auto* const fourth = new object(4);
    source.store(fourth);
    verify(h.protect(source) == fourth);
    fourth->retire({}, domain);
    auto moved = std::move(h);
    verify(h.empty() && !moved.empty());  // NOLINT(bugprone-use-after-move)
    verify(is_held(domain, before + 1));
    auto other = make_hazard_pointer(domain);
    swap(moved, other);
    other.swap(none);
    verify(other.empty() && !none.empty());
    verify(is_held(domain, before + 1));
    moved = std::move(none);  // ends what moved protected, which is nothing
    verify(is_held(domain, before + 1));
    auto& itself = moved;
    moved = std::move(itself);
    verify(!moved.empty());
    verify(is_held(domain, before + 1));
    moved = pawl::basic_hazard_pointer<B>();
    verify(is_held(domain, before));

    // The end of a hazard pointer ends the protection.
    auto* const fifth = new object(5);
    source.store(fifth);
    {
      auto inner = make_hazard_pointer(domain);
      inner.protect(source);
      fifth->retire({}, domain);
      verify(is_held(domain, before + 1));
    }
    verify(is_held(domain, before));
  }
  verify(object::alive == before);
}

template <class T>
using std_atomic = std::atomic<T>;
template <class T>
using native_atomic = pawl::atomic<T>;
template <class T>
using builtin_atomic = pawl::atomic<T, pawl::backend::builtin>;
template <class T>
using minimal_atomic = pawl::atomic<T, minimal_backend>;

}  // namespace

TEST_CASE("every member of a hazard pointer does what it says, for both kinds of source and every backend") {
  every_member_does_what_it_says<pawl::native, native_atomic>();
  every_member_does_what_it_says<pawl::native, std_atomic>();
  every_member_does_what_it_says<pawl::backend::builtin, builtin_atomic>();
  every_member_does_what_it_says<minimal_backend, minimal_atomic>();
  every_member_does_what_it_says<minimal_backend, std_atomic>();
}

TEST_CASE("the names of C++26 alone: the default domain") {
  static_assert(std::is_same_v<decltype(pawl::hazard_pointer_default_domain()), hazard_pointers<>&>);
  CHECK(&pawl::hazard_pointer_default_domain() == &hazard_pointers<>::default_domain());
  const int before = object::alive;
  const auto retired_before = pawl::hazard_pointer_default_domain().stats().retired;
  pawl::atomic<object*> source(new object(1));
  hazard_pointer h = make_hazard_pointer();
  object* const seen = h.protect(source);
  source.store(nullptr);
  seen->retire();
  pawl::hazard_pointer_default_domain().reclaim();
  CHECK(object::alive == before + 1);
  CHECK(seen->value == 1);
  h.reset_protection();
  pawl::hazard_pointer_default_domain().reclaim();
  CHECK(object::alive == before);
  CHECK(pawl::hazard_pointer_default_domain().stats().retired == retired_before + 1);
  auto minimal = make_hazard_pointer<minimal_backend>();
  CHECK_FALSE(minimal.empty());
}

TEST_CASE("a batch of hazard pointers is made and cleared at once") {
  hazard_pointers<> domain;
  std::vector<hazard_pointer> batch(100);
  make_hazard_pointer_batch(std::span<hazard_pointer>(batch), domain);
  bool full = true;
  for (const auto& each : batch) full = full && !each.empty();
  CHECK(full);
  // Each protects by itself.
  const int before = object::alive;
  std::vector<std::unique_ptr<pawl::atomic<object*>>> sources;
  for (auto& each : batch) {
    sources.push_back(std::make_unique<pawl::atomic<object*>>(new object));
    each.protect(*sources.back())->retire({}, domain);
  }
  domain.reclaim();
  CHECK(object::alive == before + 100);
  pawl::clear_hazard_pointer_batch(std::span(batch).first(50));
  domain.reclaim();
  CHECK(object::alive == before + 50);
  pawl::clear_hazard_pointer_batch(batch);
  bool empty = true;
  for (const auto& each : batch) empty = empty && each.empty();
  CHECK(empty);
  domain.reclaim();
  CHECK(object::alive == before);
  std::array<hazard_pointer, 3> few;
  pawl::make_hazard_pointer_batch(few);
  CHECK_FALSE(few[2].empty());
  pawl::clear_hazard_pointer_batch(few);
  CHECK(few[0].empty());
  pawl::make_hazard_pointer_batch(std::span<hazard_pointer>());
}

TEST_CASE("retire to hazard pointers runs the deleter that it was given, once") {
  domains::retire_runs_the_deleter_that_it_was_given_once<hazards>();
}

TEST_CASE("an object whose base stands elsewhere than itself is protected by its own address") {
  domains::the_base_may_stand_elsewhere_than_the_object<hazards>();
}

TEST_CASE("a deleter may retire more to hazard pointers, and reclaim") {
  domains::a_deleter_may_retire_more_and_reclaim<hazards>();
}

TEST_CASE("many hazard pointers of one thread, made and ended in any order") {
  hazard_pointers<> domain;
  const int before = object::alive;
  std::vector<hazard_pointer> held;
  std::vector<std::unique_ptr<pawl::atomic<object*>>> sources;
  for (int i = 0; i < 200; ++i) {
    sources.push_back(std::make_unique<pawl::atomic<object*>>(new object(i)));
    held.push_back(make_hazard_pointer(domain));
    held.back().protect(*sources.back())->retire({}, domain);
  }
  domain.reclaim();
  CHECK(object::alive == before + 200);
  for (std::size_t i = 0; i < held.size(); i += 3) held[i] = hazard_pointer();
  domain.reclaim();
  CHECK(object::alive == before + 200 - 67);
  for (std::size_t i = 0; i < held.size(); i += 3) held[i] = make_hazard_pointer(domain);
  domain.reclaim();
  CHECK(object::alive == before + 200 - 67);
  bool right = true;
  for (std::size_t i = 1; i < held.size(); i += 3) right = right && sources[i]->load()->value == static_cast<int>(i);
  CHECK(right);
  held.clear();
  domain.reclaim();
  CHECK(object::alive == before);
}

TEST_CASE("a hazard pointer may end on another thread, and its slot comes home") {
  hazard_pointers<> domain;
  std::size_t early = 0;
  std::size_t late = 0;
  for (int i = 0; i < 400; ++i) {
    auto h = make_hazard_pointer(domain);
    std::thread([moved = std::move(h)]() mutable { moved = hazard_pointer(); }).join();
    if (i == 100) early = allocations::live_bytes();
    if (i == 399) late = allocations::live_bytes();
  }
  CHECK(late <= early + 4096);

  // It goes on protecting on its way.
  const int before = object::alive;
  pawl::atomic<object*> source(new object);
  auto h = make_hazard_pointer(domain);
  h.protect(source)->retire({}, domain);
  std::thread([&domain, &source, moved = std::move(h), before]() mutable {
    domain.reclaim();
    if (object::alive != before + 1) source.store(nullptr);
    moved.reset_protection();
  }).join();
  CHECK(source.load() != nullptr);
  domain.reclaim();
  CHECK(object::alive == before);

  // Made on a thread that has ended since.
  hazard_pointer of_ended;
  source.store(new object);
  std::thread([&] {
    of_ended = make_hazard_pointer(domain);
    of_ended.protect(source);
  }).join();
  source.load()->retire({}, domain);
  std::thread([&] { domain.reclaim(); }).join();
  domain.reclaim();
  CHECK(object::alive == before + 1);
  of_ended = hazard_pointer();
  domain.reclaim();
  CHECK(object::alive == before);
}

TEST_CASE("a batch whose hazard pointers end on other threads takes their slots again") {
  pawl::hazard_pointers<> domain;
  std::size_t blocks = 0;
  for (int round = 0; round < 100; ++round) {
    std::array<hazard_pointer, 5> batch;
    make_hazard_pointer_batch(std::span<hazard_pointer>(batch), domain);
    domains::on_a_thread([&] { pawl::clear_hazard_pointer_batch(batch); });
    if (round == 10) blocks = allocations::live_blocks();
  }
  CHECK(allocations::live_blocks() == blocks);
}

TEST_CASE("what a thread retired to hazard pointers is freed after its end by others, and its record taken over") {
  domains::what_a_thread_retired_is_freed_after_its_end_by_others<hazards>();
}

TEST_CASE("stats of hazard pointers counts what was retired and reclaimed") {
  hazard_pointers<> domain;
  CHECK(domain.stats().retired == 0);
  CHECK(domain.stats().reclaimed == 0);
  CHECK(domain.stats().records == 0);
  pawl::atomic<object*> source(new object);
  auto h = make_hazard_pointer(domain);
  CHECK(domain.stats().records == 1);
  h.protect(source)->retire({}, domain);
  for (int i = 0; i < 10; ++i) (new object)->retire({}, domain);
  CHECK(domain.stats().retired == 11);
  domain.reclaim();
  CHECK(domain.stats().reclaimed == 10);
  h.reset_protection();
  domain.reclaim();
  CHECK(domain.stats().reclaimed == 11);
}

TEST_CASE("the end of a domain of hazard pointers frees all that was retired to it") {
  domains::the_end_of_a_domain_frees_all_that_was_retired_to_it<hazards>();
}

TEST_CASE("domains of hazard pointers are apart: what one protects, another frees") { domains::domains_are_apart<hazards>(); }

TEST_CASE("a sleeping reader holds back a bounded number of objects") {
  hazard_pointers<> domain;
  const int before = object::alive;
  pawl::atomic<object*> source(new object(1));
  std::atomic<int> stage{0};
  bool intact = false;
  std::thread reader([&] {
    auto h = make_hazard_pointer(domain);
    const object* const seen = h.protect(source);
    stage = 1;
    while (stage != 2) std::this_thread::yield();
    intact = seen->life == object::living && seen->value == 1;
  });
  while (stage != 1) std::this_thread::yield();
  int peak = 0;
  for (int i = 0; i < 50000; ++i) {
    source.exchange(new object)->retire({}, domain);
    peak = std::max(peak, object::alive.load() - before);
  }
  stage = 2;
  reader.join();
  source.exchange(nullptr)->retire({}, domain);
  CHECK(intact);
  // One of two threads retires; and there is the one in the source. (tests/stress has more threads.)
  CHECK(static_cast<std::size_t>(peak) <= hazard_pointers<>::most_unreclaimed(1, 2, 1) + 1);
  domain.reclaim();
  CHECK(object::alive == before);
}

namespace {

// Says what happens in the rare side of the asymmetric fence.
struct fence_watched : minimal_backend {
  static inline thread_local int fences = 0;  // of this thread
  static inline std::function<void()> inside;  // runs in the next one
};

}  // namespace

template <>
struct pawl::environment<fence_watched> : pawl::environment<pawl::backend::builtin> {
  static constexpr pawl::tuning tuning{.scan_threshold = 64, .scan_per_slot = 0};
  static bool heavy_fence() noexcept {
    ++fence_watched::fences;
    if (const auto run = std::exchange(fence_watched::inside, nullptr)) run();
    return environment<pawl::backend::builtin>::heavy_fence();
  }
};

TEST_CASE("one thread at a time is in the fence, unless it was stalled there while another retired a quarter more") {
  hazard_pointers<fence_watched> domain;
  const int before = object::alive;
  constexpr int due = 64;
  static_assert(hazard_pointers<fence_watched>::most_unreclaimed(2, 2) == 2 * (due + due / 4));
  int fences_before_the_limit = -1;
  int fences_at_the_limit = -1;
  int alive_after = -1;
  fence_watched::inside = [&] {
    // The other thread is in here: what it retires is not freed.
    std::thread([&] {
      for (int i = 1; i < due + due / 4; ++i) (new object)->retire({}, domain);
      fences_before_the_limit = fence_watched::fences;
      (new object)->retire({}, domain);
      fences_at_the_limit = fence_watched::fences;
      alive_after = object::alive - before;
      // Its scan was not the one that has the flag, so that one is still alone.
      for (int i = 1; i < due + due / 4; ++i) (new object)->retire({}, domain);
      fences_before_the_limit += fence_watched::fences - fences_at_the_limit;
    }).join();
  };
  for (int i = 0; i < due; ++i) (new object)->retire({}, domain);
  CHECK(fence_watched::fences == 1);
  CHECK(fences_before_the_limit == 0);
  CHECK(fences_at_the_limit == 1);
  CHECK(alive_after == due);
  // The first one is out of it. This thread takes over what the other left, which is beyond the limit.
  std::thread([&] {
    (new object)->retire({}, domain);
    fences_at_the_limit = fence_watched::fences;
  }).join();
  CHECK(fences_at_the_limit == 1);
  CHECK(object::alive == before);
}

TEST_CASE("while deleters run, another thread may be in its fence") {
  struct slow : hazard_pointer_obj_base<slow> {
    std::function<void()> last;
    ~slow() {
      if (last) last();
    }
  };
  hazard_pointers<fence_watched> domain;
  constexpr int due = 64;
  int fences = -1;
  auto* const first = new slow;
  first->last = [&] {
    std::thread([&] {
      for (int i = 0; i < due; ++i) (new object)->retire({}, domain);
      fences = fence_watched::fences;
    }).join();
  };
  first->retire({}, domain);
  for (int i = 1; i < due; ++i) (new object)->retire({}, domain);
  CHECK(fences == 1);
}

namespace {

// Counts the plain fields that are read: a scan reads those of each object that it compares a slot with.
struct read_counted : minimal_backend {
  static inline std::uint64_t reads = 0;
};

}  // namespace

template <>
struct pawl::environment<read_counted> : pawl::environment<pawl::backend::builtin> {
  static constexpr pawl::tuning tuning{.scan_threshold = 64};
  static constexpr bool tracks_plain = true;
  static void read(const void* /*memory*/, std::size_t /*bytes*/) noexcept { ++read_counted::reads; }
  static void write(void* /*memory*/, std::size_t /*bytes*/) noexcept {}
};

namespace {

/// Protects as many objects as wanted, each by a hazard pointer of its own.
class many_protected {
 public:
  using domain_type = hazard_pointers<read_counted>;

  many_protected(std::size_t count, domain_type& domain) : sources_(count), guards_(count) {
    make_hazard_pointer_batch(std::span(guards_), domain);
    for (std::size_t i = 0; i < count; ++i) {
      sources_[i].store(new object);
      guards_[i].protect(sources_[i]);
    }
  }
  void retire_all(domain_type& domain) {
    for (auto& each : sources_) each.load()->retire({}, domain);
  }
  void end_protections() { clear_hazard_pointer_batch(std::span(guards_)); }

 private:
  std::vector<pawl::atomic<object*, read_counted>> sources_;
  std::vector<pawl::basic_hazard_pointer<read_counted>> guards_;
};

}  // namespace

TEST_CASE("retire costs no more with thousands of hazard pointers than with some") {
  many_protected::domain_type domain;
  const auto reads_per_retire = [&domain](std::size_t hazard_pointers_in_use) {
    many_protected living(hazard_pointers_in_use, domain);
    const std::size_t retired = 6 * hazard_pointers_in_use;  // some scans
    const std::uint64_t before = read_counted::reads;
    domains::retire_some<hazards>(domain, static_cast<int>(retired));
    const std::uint64_t found = read_counted::reads - before;
    living.retire_all(domain);
    return static_cast<double>(found) / static_cast<double>(retired);
  };
  // Eight fields of each object, and of those that share a bucket with what a slot protects.
  CHECK(reads_per_retire(64) < 20);
  CHECK(reads_per_retire(1024) < 20);
  CHECK(reads_per_retire(8192) < 20);
}

TEST_CASE("a scan among many slots frees what nobody protects, also where there is no memory to hash more in") {
  const bool poor = GENERATE(false, true);
  const int before = object::alive;
  many_protected::domain_type domain;
  constexpr int count = 500;
  many_protected protected_ones(count, domain);
  std::vector<std::unique_ptr<object>> unprotected;
  for (int i = 0; i < 4 * count; ++i) unprotected.push_back(std::make_unique<object>());
  {
    std::optional<allocations::failing> now;
    if (poor) now.emplace(1, true);
    protected_ones.retire_all(domain);
    for (auto& each : unprotected) each.release()->retire({}, domain);
    domain.reclaim();
    CHECK(object::alive == before + count);
    protected_ones.end_protections();
    domain.reclaim();
  }
  CHECK(object::alive == before);
}

#if defined(__linux__)
TEST_CASE("an exception that leaves a deleter ends the program, and one that it catches does no harm") {
  domains::an_exception_that_leaves_a_deleter_ends_the_program<hazards>();
}
#endif

TEST_CASE("readers with hazard pointers never see an object after its end") {
  domains::readers_never_see_an_object_after_its_end<hazards>();
}

TEST_CASE("retire and protect work while a thread's thread_locals end") {
  domains::retire_and_read_work_while_thread_locals_end<hazards>();
}

TEST_CASE("a domain of hazard pointers takes an allocator, and all its memory goes back") {
  domains::a_domain_takes_an_allocator_and_all_its_memory_goes_back<hazards>([](auto& domain) {
    std::vector<hazard_pointer> held;
    for (const std::size_t many : {std::size_t{40}, std::size_t{600}, std::size_t{2000}}) {
      while (held.size() < many) held.push_back(make_hazard_pointer(domain));
      domain.reclaim();  // of the more slots the larger tables are
    }
  });
}
