// SPDX-License-Identifier: BSL-1.0
// environment<B>: what differs between a server, a kernel and the model besides instructions. This is the host's form, for every
// backend that runs on real threads; so a backend of one's own is its instructions alone. A backend whose world differs specializes it.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "backend.hpp"
#include "detail/fail.hpp"
#include "detail/host_threads.hpp"
#include "detail/host_waiting.hpp"
#include "detail/membarrier.hpp"
#include "detail/process_globals.hpp"

PAWL_HOST_DEVICE_BEGIN

namespace pawl::inline v0 {

/// Sizes that trade memory for speed. Tiny under a sanitizer, so that rare paths become common where they are watched.
struct tuning {
  /// Retired objects of one thread that it lets pile up before it looks which can be freed.
  std::size_t scan_threshold = detail::under_tsan || detail::under_asan ? 16 : 1024;
  /// The same per slot of the domain, where that is more.
  std::size_t scan_per_slot = 2;
  /// Hazard pointers that a thread gets at once; at least as many as one operation of a container protects.
  std::size_t hazard_slots = 16;
  /// Free nodes that a thread moves from or to a pool at once.
  std::uint32_t cache_size = detail::under_tsan || detail::under_asan ? 4 : 32;
  /// Binary logarithm of the least number of words in a growing pool's first block.
  unsigned first_block_bits = 12;
  /// Inserts of one thread into a map between two looks at its size.
  std::uint32_t growth_check = detail::under_tsan || detail::under_asan ? 2 : 16;
  /// Binary logarithm of the number of bucket heads that a map allocates at once.
  unsigned bucket_piece_bits = detail::under_tsan || detail::under_asan ? 3 : 10;
};

/// The world around a backend's instructions. Containers and reclaimers reach threads, memory and shared plain data only through it.
template <is_backend B>
struct environment {
  static constexpr pawl::tuning tuning{};

  /// A member of an owner: one T for each thread that asks, handed over when the thread ends.
  template <class T>
  using per_thread = detail::host_per_thread<T>;

  /// One T for the process, never destroyed: usable in every static constructor and destructor, and by every late thread. Libraries
  /// that were opened with RTLD_LOCAL, and share no symbols, have one each. Throws std::bad_alloc, or what T's constructor does.
  template <class T>
  static T& global() {
    return detail::one_for_the_process<T, B>();
  }

  /// Names this process among those that fork makes of it; not 0. So a flag that was set by a thread which a fork left behind is known.
  static std::uint32_t process() noexcept { return detail::this_process(); }
  /// Who notes, for a counter of sections that nothing else tells apart, which of them go on in a fork's child.
  static const detail::section_notes& section_notes() noexcept { return detail::shared_threads.notes; }

  /// Throws std::bad_alloc.
  static void* allocate(std::size_t bytes, std::size_t alignment) {
    if (alignment <= __STDCPP_DEFAULT_NEW_ALIGNMENT__) return ::operator new(bytes);
    return ::operator new(bytes, std::align_val_t{alignment});
  }
  static void deallocate(void* memory, std::size_t /*bytes*/, std::size_t alignment) noexcept {
    if (alignment <= __STDCPP_DEFAULT_NEW_ALIGNMENT__) {
      ::operator delete(memory);
    } else {
      ::operator delete(memory, std::align_val_t{alignment});
    }
  }

  // An environment that follows the lives of atomics has tracks_atomics = true and gets begin(memory, bytes) after the initialization,
  // end(memory) after the last use.
  static constexpr bool tracks_atomics = false;
  // One that follows plain data has tracks_plain = true and gets read(memory, bytes) and write(memory, bytes) before each access. One that
  // wants to know where that is has a type `place`, made of file and line, which these two take last (and others may, by default).
  static constexpr bool tracks_plain = false;

  /// How the two asymmetric fences work together. Settled by the first call, and then the same for ever.
  using fences = detail::asymmetric_state;
  static fences settle_fences() noexcept { return detail::settled_asymmetric(); }
  /// Where the light side costs nothing: code is made straight for it.
  static constexpr fences usual_fences = detail::asymmetric_state::membarrier;
  /// The frequent side: of a caller who has nothing at hand, or what settle_fences returned.
  static void light_fence() noexcept { detail::light_fence<B>(); }
  static void light_fence(fences settled) noexcept { detail::light_fence<B>(settled); }
  /// The rare side. False where the system had no memory for it: then nothing was ordered.
  static bool heavy_fence() noexcept { return detail::heavy_fence<B>(); }

  /// Returns once a load of the object by `order` gives a word of which until(word) is true; until.old is one of which it isn't. Meanwhile
  /// the thread sleeps, and looks again when it is notified after a change. (An environment without these three has threads that spin.)
  template <class W, class Until>
  static void wait(const W& object, Until until, order_t<B> order) noexcept {
    waiting::wait(object, until, order);
  }
  /// Wakes at least one of the threads that wait and have not seen what the caller knows to be stored in the object, where there are any.
  template <class W>
  static void notify_one(const W& object) noexcept {
    waiting::template notify<W>(&object, true);
  }
  /// Wakes them all.
  template <class W>
  static void notify_all(const W& object) noexcept {
    waiting::template notify<W>(&object, false);
  }

 private:
  using waiting = detail::host_waiting<B, environment, detail::host_sleep>;
};

namespace detail {

/// What atomics ask of an environment.
template <class Env>
concept follows_atomics = requires { typename std::bool_constant<Env::tracks_atomics>; } &&
                          (!Env::tracks_atomics || requires(void* memory, std::size_t bytes) {
                            Env::begin(memory, bytes);
                            Env::end(memory);
                          });

struct no_place {
  constexpr no_place() noexcept = default;
  constexpr no_place(const char* /*file*/, int /*line*/) noexcept {}
};
template <class Env>
struct place_of {
  using type = no_place;
};
template <class Env>
  requires requires { typename Env::place; }
struct place_of<Env> {
  using type = typename Env::place;
};

}  // namespace detail

/// Where a call stands, by a default argument {__builtin_FILE(), __builtin_LINE()}: environment<B>::place, which its functions take as
/// one argument more; nothing where it has none.
template <class B>
using place_in = typename detail::place_of<environment<B>>::type;

namespace detail {

template <class Env>
concept follows_plain =
    requires { typename std::bool_constant<Env::tracks_plain>; } &&
    (!Env::tracks_plain ||
     requires(void* memory, const void* seen, std::size_t bytes) {
       Env::read(seen, bytes);
       Env::write(memory, bytes);
     } ||
     requires(void* memory, const void* seen, std::size_t bytes, typename place_of<Env>::type where) {
       Env::read(seen, bytes, where);
       Env::write(memory, bytes, where);
     });

// Some T of which an environment may have to have one for each thread.
struct of_a_thread {};
template <class Owner>
concept has_one_for_each_thread =
    std::is_default_constructible_v<Owner> &&
    requires(Owner& owner, const Owner& all, typename Owner::key key, of_a_thread* (&make)(), void (&visit)(of_a_thread&)) {
      { all.id() } -> std::convertible_to<typename Owner::key>;
      { Owner::find(key) } -> std::same_as<of_a_thread*>;
      { all.find() } -> std::same_as<of_a_thread*>;
      { owner.get(make) } -> std::same_as<of_a_thread&>;
      all.for_each(visit);
    };

/// What domains ask of it besides, which keep what threads retired that are no more.
template <class Env>
concept hands_over = requires(const typename Env::template per_thread<of_a_thread>& all, void (&visit)(of_a_thread&)) {
  all.for_each_abandoned(visit);
  all.end_lost();
};
/// And epochs.
template <class Env>
concept has_usual_fences = requires(typename Env::fences settled) {
  { settled == Env::usual_fences } -> std::convertible_to<bool>;
};

}  // namespace detail

/// What `environment<B>` is, where it is not the host's: a specialization has these, which the reclaimers need. (Atomics and spin locks
/// need no more of it than `tracks_atomics`.) The rest is optional, and taken where it is there:
/// - `begin` and `end` where tracks_atomics is true, `read` and `write` where tracks_plain is: then they are not optional; `place`.
/// - `per_thread<T>::for_each_abandoned` and `end_lost`: hazard_pointers and epochs need them. `usual_fences`: epochs does.
/// - `global`: for domains that are the process's; without it, a container is given one.
/// - `wait`, `notify_one`, `notify_all`, all three or none: without them threads that wait look again after a pause.
/// - `process`, and `section_notes`: where processes fork.
template <class Env>
concept is_environment = detail::follows_atomics<Env> && detail::follows_plain<Env> &&
                         detail::has_one_for_each_thread<typename Env::template per_thread<detail::of_a_thread>> &&
                         requires(void* memory, std::size_t bytes, typename Env::fences settled) {
                           { Env::tuning } -> std::convertible_to<pawl::tuning>;
                           { Env::allocate(bytes, bytes) } -> std::same_as<void*>;
                           Env::deallocate(memory, bytes, bytes);
                           { Env::settle_fences() } -> std::same_as<typename Env::fences>;
                           Env::light_fence();
                           Env::light_fence(settled);
                           { Env::heavy_fence() } -> std::same_as<bool>;
                         };

namespace detail {

template <class B>
PAWL_HOST_DEVICE void tell_read([[maybe_unused]] const void* memory, [[maybe_unused]] std::size_t bytes,
                                [[maybe_unused]] place_in<B> where) noexcept {
  using env = environment<B>;
  if constexpr (!env::tracks_plain) {
    // nobody listens
  } else if constexpr (std::is_same_v<place_in<B>, no_place>) {
    env::read(memory, bytes);
  } else {
    env::read(memory, bytes, where);
  }
}
template <class B>
PAWL_HOST_DEVICE void tell_write([[maybe_unused]] void* memory, [[maybe_unused]] std::size_t bytes,
                                 [[maybe_unused]] place_in<B> where) noexcept {
  using env = environment<B>;
  if constexpr (!env::tracks_plain) {
    // nobody listens
  } else if constexpr (std::is_same_v<place_in<B>, no_place>) {
    env::write(memory, bytes);
  } else {
    env::write(memory, bytes, where);
  }
}

}  // namespace detail

/// Tells the environment that a plain field, which threads hand to each other, is about to be read.
template <class B, class T>
PAWL_HOST_DEVICE void announce_read(const T& field, place_in<B> where = {__builtin_FILE(), __builtin_LINE()}) noexcept {
  // An empty field shares its byte with another.
  if constexpr (!std::is_empty_v<T>) detail::tell_read<B>(std::addressof(field), sizeof(T), where);
}
/// The same of a write.
template <class B, class T>
PAWL_HOST_DEVICE void announce_write(T& field, place_in<B> where = {__builtin_FILE(), __builtin_LINE()}) noexcept {
  if constexpr (!std::is_empty_v<T>) detail::tell_write<B>(std::addressof(field), sizeof(T), where);
}
/// Reads a plain field that threads hand to each other.
template <class B, class T>
[[nodiscard]] PAWL_HOST_DEVICE T read_shared(const T& field, place_in<B> where = {__builtin_FILE(), __builtin_LINE()}) noexcept {
  announce_read<B>(field, where);
  return field;
}
/// Writes one.
template <class B, class T>
PAWL_HOST_DEVICE void write_shared(T& field, std::type_identity_t<T> value,
                                   place_in<B> where = {__builtin_FILE(), __builtin_LINE()}) noexcept {
  announce_write<B>(field, where);
  field = value;
}

/// Plain data that threads share: begun, read, written and ended under the environment's eyes.
///
/// It starts without a value and ends nobody's life by itself: whoever owns the data says `construct` and `destroy` or `take`.
template <class T, class B>
class plain {
  using place = place_in<B>;

 public:
  PAWL_HOST_DEVICE plain() noexcept {}
  plain(const plain&) = delete;
  plain& operator=(const plain&) = delete;
  PAWL_HOST_DEVICE ~plain() {}  // NOLINT(modernize-use-equals-default): a union member with a destructor

  /// Strong guarantee: where T's constructor throws, there is no value. (It has no place: there is no default behind a pack.)
  template <class... Args>
  PAWL_HOST_DEVICE void construct(Args&&... args) noexcept(std::is_nothrow_constructible_v<T, Args...>) {
    write({});
    std::construct_at(std::addressof(value_), std::forward<Args>(args)...);
  }
  [[nodiscard]] PAWL_HOST_DEVICE const T& get(place where = {__builtin_FILE(), __builtin_LINE()}) const noexcept {
    detail::tell_read<B>(&value_, sizeof(T), where);
    return value_;
  }
  PAWL_HOST_DEVICE void set(T value, place where = {__builtin_FILE(), __builtin_LINE()}) noexcept
    requires std::is_trivially_copyable_v<T>
  {
    write(where);
    value_ = value;
  }
  /// The value to be changed in place.
  [[nodiscard]] PAWL_HOST_DEVICE T& edit(place where = {__builtin_FILE(), __builtin_LINE()}) noexcept {
    write(where);
    return value_;
  }
  /// Moves the value out and ends it, also where the move throws.
  [[nodiscard]] PAWL_HOST_DEVICE T take(place where = {__builtin_FILE(),
                                                       __builtin_LINE()}) noexcept(std::is_nothrow_move_constructible_v<T>) {
    write(where);
    const struct ender {
      T& value;
      ~ender() { std::destroy_at(std::addressof(value)); }
    } end{value_};
    return std::move(value_);
  }
  PAWL_HOST_DEVICE void destroy(place where = {__builtin_FILE(), __builtin_LINE()}) noexcept {
    write(where);
    std::destroy_at(std::addressof(value_));
  }

 private:
  PAWL_HOST_DEVICE void write(place where) noexcept { detail::tell_write<B>(&value_, sizeof(T), where); }

  union {
    T value_;
  };
};

}  // namespace pawl::inline v0

PAWL_HOST_DEVICE_END

#include "detail/cuda_environment.hpp"
static_assert(pawl::is_environment<pawl::environment<pawl::backend::builtin>>);
#if PAWL_DETAIL_NATIVE_IS_MODEL
#include "model/environment.hpp"
#endif
