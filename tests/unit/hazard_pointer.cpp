// SPDX-License-Identifier: BSL-1.0
#include <pawl/hazard_pointer.hpp>

#if defined(__linux__)
#include <sys/wait.h>
#include <unistd.h>
#endif

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <new>
#include <span>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "allocations.hpp"
#include "lists.hpp"
#include "minimal_backend.hpp"
#include "verify.hpp"

namespace {

using pawl::hazard_pointer;
using pawl::hazard_pointer_obj_base;
using pawl::hazard_pointers;
using pawl::make_hazard_pointer;

// Notices when it is read after its end.
struct object : hazard_pointer_obj_base<object> {
  static inline std::atomic<int> alive{0};
  static constexpr std::uint64_t living = 0x600d600d600d600d;
  std::uint64_t life = living;
  int value;
  explicit object(int v = 0) : value(v) { ++alive; }
  object(const object&) = delete;
  object& operator=(const object&) = delete;
  ~object() {
    life = 0;
    --alive;
  }
};

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

namespace {

struct with_deleter;
struct noting_deleter {
  std::vector<int>* notes = nullptr;
  std::unique_ptr<int> owned;  // deleters may be such that can only be moved
  void operator()(with_deleter* p) const;
};
struct with_deleter : hazard_pointer_obj_base<with_deleter, noting_deleter> {
  int value = 0;
};
void noting_deleter::operator()(with_deleter* p) const {
  notes->push_back(p->value + (owned ? *owned : 0));
  delete p;
}

struct unmanaged;
struct no_delete {
  void operator()(unmanaged* p) const noexcept;
};
struct unmanaged : hazard_pointer_obj_base<unmanaged, no_delete> {
  int deleted = 0;
};
void no_delete::operator()(unmanaged* p) const noexcept { ++p->deleted; }

}  // namespace

TEST_CASE("retire runs the deleter that it was given, once") {
  std::vector<int> notes;
  {
    hazard_pointers<> domain;
    auto* const p = new with_deleter;
    p->value = 40;
    p->retire({&notes, std::make_unique<int>(2)}, domain);
    CHECK(notes.empty());
    domain.reclaim();
    CHECK(notes == std::vector<int>{42});
    domain.reclaim();
    CHECK(notes.size() == 1);
    auto* const q = new with_deleter;
    q->value = 7;
    q->retire({&notes, nullptr}, domain);
  }
  CHECK(notes == std::vector<int>{42, 7});

  unmanaged local;
  local.retire();
  pawl::hazard_pointer_default_domain().reclaim();
  CHECK(local.deleted == 1);
}

TEST_CASE("an object whose base stands elsewhere than itself is protected by its own address") {
  struct front {
    virtual ~front() = default;
    std::array<char, 40> space{};
  };
  static int alive = 0;
  struct behind : front, hazard_pointer_obj_base<behind> {
    behind() { ++alive; }
    behind(const behind&) = delete;
    behind& operator=(const behind&) = delete;
    ~behind() override { --alive; }
  };
  hazard_pointers<> domain;
  pawl::atomic<behind*> source(new behind);
  auto h = make_hazard_pointer(domain);
  h.protect(source)->retire({}, domain);
  domain.reclaim();
  CHECK(alive == 1);
  h.reset_protection();
  domain.reclaim();
  CHECK(alive == 0);
}

namespace {

// A list that frees itself from its head: each deleter retires the next.
struct link : hazard_pointer_obj_base<link> {
  static inline int alive = 0;
  hazard_pointers<>& domain;
  link* next = nullptr;
  explicit link(hazard_pointers<>& d) : domain(d) { ++alive; }
  link(const link&) = delete;
  link& operator=(const link&) = delete;
  ~link() {
    --alive;
    if (next != nullptr) next->retire({}, domain);
  }
};
link* chain(hazard_pointers<>& domain, int length) {
  link* first = nullptr;
  for (int i = 0; i < length; ++i) {
    auto* const made = new link(domain);
    made->next = first;
    first = made;
  }
  return first;
}

}  // namespace

TEST_CASE("a deleter may retire more, and reclaim") {
  link::alive = 0;
  {
    hazard_pointers<> domain;
    chain(domain, 10000)->retire({}, domain);
    domain.reclaim();
    CHECK(link::alive == 0);  // reclaim frees what can be freed, also what the deleters retired
    CHECK(domain.stats().retired == 10000);
    CHECK(domain.stats().reclaimed == 10000);
    chain(domain, 5000)->retire({}, domain);  // for the destructor
  }
  CHECK(link::alive == 0);

  struct reclaiming : hazard_pointer_obj_base<reclaiming> {
    hazard_pointers<>* domain = nullptr;
    int* ended = nullptr;
    ~reclaiming() {
      domain->reclaim();
      auto h = make_hazard_pointer(*domain);
      ++*ended;
    }
  };
  int ended = 0;
  hazard_pointers<> domain;
  for (int i = 0; i < 10; ++i) {
    auto* const p = new reclaiming;
    p->domain = &domain;
    p->ended = &ended;
    p->retire({}, domain);
  }
  domain.reclaim();
  CHECK(ended == 10);
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

TEST_CASE("what a thread retired is freed after its end by others, and its record taken over") {
  hazard_pointers<> domain;
  const int before = object::alive;
  for (int i = 0; i < 20; ++i) {
    std::thread([&] {
      for (int n = 0; n < 5; ++n) (new object)->retire({}, domain);
    }).join();
  }
  CHECK(domain.stats().records == 1);
  CHECK(domain.stats().retired == 100);
  domain.reclaim();
  CHECK(object::alive == before);
  CHECK(domain.stats().reclaimed == 100);
  CHECK(domain.stats().records <= 2);
}

TEST_CASE("stats counts what was retired and reclaimed") {
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

TEST_CASE("the end of a domain frees all that was retired to it") {
  const int before = object::alive;
  {
    hazard_pointers<> domain;
    for (int i = 0; i < 100; ++i) (new object)->retire({}, domain);
    std::thread([&] {
      for (int i = 0; i < 100; ++i) (new object)->retire({}, domain);
    }).join();
  }
  CHECK(object::alive == before);
}

TEST_CASE("domains are apart: what one protects, another frees") {
  hazard_pointers<> a;
  hazard_pointers<> b;
  const int before = object::alive;
  pawl::atomic<object*> source(new object);
  auto h = make_hazard_pointer(a);
  h.protect(source)->retire({}, b);
  b.reclaim();
  CHECK(object::alive == before);
}

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

#if defined(__linux__)
TEST_CASE("an exception that leaves a deleter ends the program, and one that it catches does no harm") {
  struct failing_end : hazard_pointer_obj_base<failing_end> {
    bool catches = true;
    ~failing_end() noexcept(false) {
      const allocations::failing now(1);
      try {
        ::operator delete(::operator new(1));
      } catch (const std::bad_alloc&) {
        if (!catches) throw;
      }
    }
  };
  hazard_pointers<> domain;
  (new failing_end)->retire({}, domain);
  domain.reclaim();
  CHECK(domain.stats().reclaimed == 1);
  const pid_t child = fork();
  if (child == 0) {
    std::set_terminate([] { _exit(42); });
    auto* const last = new failing_end;
    last->catches = false;
    last->retire({}, domain);
    domain.reclaim();
    _exit(0);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK((WIFEXITED(status) && WEXITSTATUS(status) == 42));
}
#endif

TEST_CASE("readers never see an object after its end") {
  hazard_pointers<> domain;
  pawl::atomic<object*> source(new object(0));
  std::atomic<bool> stop{false};
  std::atomic<long> wrong{0};
  std::atomic<long> reads{0};
  std::thread reader([&] {
    auto h = make_hazard_pointer(domain);
    while (!stop) {
      const object* const seen = h.protect(source);
      if (seen->life != object::living) ++wrong;
      ++reads;
    }
  });
  while (reads == 0) std::this_thread::yield();
  for (int i = 0; i < 20000; ++i) {
    source.exchange(new object(i))->retire({}, domain);
    if (i % 16 == 0) domain.reclaim();
  }
  stop = true;
  reader.join();
  source.load()->retire({}, domain);
  CHECK(wrong == 0);
}

TEST_CASE("retire and protect work while a thread's thread_locals end") {
  static hazard_pointers<>& domain = *new hazard_pointers<>;
  static pawl::atomic<object*> source{nullptr};
  static std::atomic<bool> right{false};
  const int before = object::alive;
  source.store(new object(1));
  struct late {
    bool used = false;
    late() = default;
    late(const late&) = delete;
    late& operator=(const late&) = delete;
    ~late() {
      if (!used) return;
      auto h = make_hazard_pointer(domain);
      object* const seen = h.protect(source);
      seen->retire({}, domain);
      right = seen->value == 1;
    }
  };
  std::thread([] {
    static thread_local late user;
    user.used = true;
    (new object)->retire({}, domain);
  }).join();
  CHECK(right);
  domain.reclaim();
  CHECK(object::alive == before);
  delete &domain;
}

TEST_CASE("a domain takes an allocator, and all its memory goes back") {
  long live = 0;
  {
    hazard_pointers<pawl::native, lists::counting_allocator<std::byte>> domain{lists::counting_allocator<std::byte>(live)};
    std::vector<hazard_pointer> held;
    for (int i = 0; i < 40; ++i) held.push_back(make_hazard_pointer(domain));
    CHECK(live > 0);
    (new object)->retire({}, domain);
  }
  CHECK(live == 0);
}
