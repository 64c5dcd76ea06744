// SPDX-License-Identifier: BSL-1.0
// A backend and an environment that record everything that pawl does to memory, and find what it did without them.
//
// The world knows every piece of memory in which pawl may keep something: what its environment allocated, and the objects that a test
// put there (`rec::object`). Of each it keeps a shadow. At every recorded access it compares (under a sanitizer now and then, and always
// what the access touches): a byte that is not what its shadow says was written by nobody who told the world, and that is a complaint,
// with the place of the access recorded last.
//
// What may change a byte:
// - an atomic's: its begin, and nothing after it. The backend's operations, which have to be on exactly that object, change what the world
//   keeps in its stead: where an atomic is, there is garbage from its begin on, another at each address.
// - a plain one: `environment::write` for it. From then to the next recorded access it may change.
// - memory that was just allocated: until the next recorded access that is not a begin in it. That is its construction, by a thread that
//   has shown it to nobody. (Atomics in it are watched from their begin on.)
// Exempt, and nothing else:
// - the plain fields of a per-thread object (`per_thread<T>`), other than those once given to read or write. They are its thread's alone,
//   and pass to another only through per_thread's hand-over, which orders the two threads. Its atomics are watched like all others.
//   (Also those of more than 8 bytes that were given to read or write: lists, which their owner locks by an atomic and announces then.)
// - the per_thread object itself, which is the environment's.
//
// A field that was once given to `read` or `write` holds such garbage, too: up to 8 bytes of it but from such a call to the next recorded
// access, a larger one (a value, which containers show to user code for a while) from `hide_values`, which the tests call between operations,
// to the next such call.
//
// So a write past a seam is a complaint; but for one of a plain field in the moment when it may change. A read past a seam gives garbage, and
// is noticed as far as something depends on it: a pointer leads to nowhere, a sum is wrong, an element isn't found, a loop has no end. A
// scenario has to depend on it. That is proved for some, by tests/seam/planted.py, which takes such ways on purpose.
//
// Not seen:
// - a raw read that nothing depends on: a guess that is verified, a hint;
// - one of a larger value in the operation that also read it as it should;
// - one of something never given to read or write, which is how constants are read that a constructor made;
// - plain fields of per-thread objects, as above, and objects on the stack of the thread that has them;
// - objects outside of the world: variables of namespaces, static and thread_local ones; fences and other instructions that change no byte.
// Of the last two no run can tell, and of the first ones only a part: seam_text.cpp looks for them in the headers' text, where they need a
// word or a cast, since what an atomic and a `plain` hold is private. Plain fields read without read_shared are no matter of text: they look
// like any others.
//
// Threads are simulated: `current_thread` says who runs. An interruption runs another thread's operation between two accesses of one.
// Where two wait for each other they are real threads, of which one runs at a time: `waits` is called at each pause and makes the other go on.
//
// An atomic may also begin in its thread's frame, where others get to know it: then it alone is watched there.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <new>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <pawl/environment.hpp>

#include "allocations.hpp"

namespace rec {

struct place {
  const char* file = "";
  int line = 0;
  constexpr place() noexcept = default;
  constexpr place(const char* in_file, int at_line) noexcept : file(in_file), line(at_line) {}
};

/// The order of an access and where it stands.
class memory_order {
 public:
  constexpr memory_order(std::memory_order order, const char* file = __builtin_FILE(),  // NOLINT(google-explicit-constructor)
                         int line = __builtin_LINE()) noexcept
      : order_(order), at_{file, line} {}
  constexpr explicit operator std::memory_order() const noexcept { return order_; }
  [[nodiscard]] constexpr memory_order with(std::memory_order other) const noexcept { return {other, at_.file, at_.line}; }
  [[nodiscard]] constexpr place where() const noexcept { return at_; }

 private:
  std::memory_order order_;
  place at_;
};

/// While one lives, what operator new is called for is not pawl's doing.
class aside {
 public:
  aside() noexcept {
    if (depth_++ == 0) began_ = allocations::of_this_thread();
  }
  aside(const aside&) = delete;
  aside& operator=(const aside&) = delete;
  ~aside() {
    if (--depth_ == 0) done_aside_ += allocations::of_this_thread() - began_;
  }
  /// What others than the recorder and the test's own bookkeeping have allocated so far.
  static std::size_t done_by_others() noexcept { return allocations::of_this_thread() - done_aside_; }

  /// While one lives, it is again.
  class suspended {
   public:
    suspended() noexcept : depth_before_(std::exchange(depth_, 0)) { done_aside_ += allocations::of_this_thread() - began_; }
    suspended(const suspended&) = delete;
    suspended& operator=(const suspended&) = delete;
    ~suspended() {
      depth_ = depth_before_;
      began_ = allocations::of_this_thread();
    }

   private:
    int depth_before_;
  };

 private:
  static inline thread_local int depth_ = 0;
  static inline thread_local std::size_t began_ = 0;
  static inline thread_local std::size_t done_aside_ = 0;
};

class per_thread_base;

class world {
 public:
  world() {
    if (active != nullptr) std::abort();
    active = this;
  }
  world(const world&) = delete;
  world& operator=(const world&) = delete;
  ~world() {
    if (!ended_) end();
    for (const auto& each : freed_) std::free(each.first);
    active = nullptr;
  }

  static world& get() noexcept {
    if (active == nullptr) {
      std::fputs("recorder: an access outside of every recorded world\n", stderr);
      std::abort();
    }
    return *active;
  }

  // ---- What the tests set and ask ---------------------------------------------------------------------------------------------
  int current_thread = 0;
  bool out_of_memory = false;  // allocate throws
  bool heavy_fence_fails = false;
  bool fences_are_usual = true;
  unsigned attempts = 0;  // compare-and-swaps that could succeed
  std::uint32_t process = 1;  // another number in the child of a fork
  bool sections_are_apart = false;  // of those that begin now, it can't be told later whose they are
  std::function<void()> waits;  // at each pause
  struct {
    std::size_t steps = 0, atomic = 0, plain = 0, allocations = 0, light = 0, heavy = 0, settled = 0, pauses = 0,
                thread_objects = 0, adopted = 0, abandoned = 0, globals = 0, waits = 0, sleeps = 0, notified_one = 0,
                notified_all = 0;
  } seen;
  std::set<std::pair<std::string, int>> places;  // where the orders were named
  std::set<std::pair<std::string, int>> plain_places;  // where plain data were read or written
  std::set<std::string_view> operations;  // and of hooks, the names of those that were recorded

  /// The thread ends: what it had is free to adopt. Or it vanishes, as in the child of a fork: then its objects are told.
  void end_thread(int thread, bool vanishes = false);
  /// No user code looks at a value that a container has shown to it: so those that are too large to be hidden at once are hidden now.
  void hide_values() {
    const aside a;
    close();
    for (auto& [address, in] : regions_) {
      for (const auto& [from, bytes] : in.values) {
        const auto* const kinds = &in.kinds[from];
        if (std::any_of(kinds, kinds + bytes, [](kind each) { return each != kind::watched && each != kind::hidden; })) continue;
        compare(in, in.bytes + from, bytes);
        hide(in, from, bytes, kind::hidden);
      }
    }
  }
  /// At the n-th recorded access from now on `other` runs, as another thread would between two accesses of this one.
  template <class Other>
  void interrupt(std::size_t n, Other other) {
    const aside a;
    until_interrupt_ = n;
    interruption_ = other;
  }
  /// True where the interruption took place; it is over in any case.
  bool was_interrupted() noexcept {
    const aside a;
    const bool ran = until_interrupt_ == 0;
    until_interrupt_ = 0;
    interruption_ = nullptr;
    return ran;
  }
  /// Ends the process-wide objects; nothing may be left then.
  void end() {
    const aside a;
    ended_ = true;
    while (!globals_.empty()) {
      const global_object last = globals_.back();
      globals_.pop_back();
      {
        const aside::suspended pawls_turn;
        last.destroy(last.memory);
      }
      deallocate(last.memory, last.bytes, last.alignment);
    }
    step("the end of the world");
    compare_all();
    for (const auto& [memory, bytes] : freed_) {
      const auto* const each = static_cast<const unsigned char*>(memory);
      if (std::any_of(each, each + bytes, [](unsigned char byte) { return byte != freed_byte; })) {
        complain("memory was changed after it was freed");
      }
    }
    for (const auto& each : regions_) complain(each.second.name + " was never freed");
    if (!atomics_.empty()) complain(std::to_string(atomics_.size()) + " atomics were never ended");
  }
  [[nodiscard]] std::string complaints() const {
    std::string all;
    for (const auto& each : complaints_) all += each + "\n";
    return all;
  }
  void complain(const std::string& what) {
    const aside a;
    if (complaints_.size() >= 20) return;
    complaints_.push_back(what + "; the access before was " + last_what_ + " at " + last_place_.file + ":" +
                          std::to_string(last_place_.line) + ", thread " + std::to_string(current_thread));
    // The first at once: what went wrong may crash before the test says so.
    if (complaints_.size() == 1) std::fprintf(stderr, "recorder: %s\n", complaints_.back().c_str());
  }

  // ---- Memory -----------------------------------------------------------------------------------------------------------------
  void* allocate(std::size_t bytes, std::size_t alignment) {
    const aside a;
    step("allocate");
    if (out_of_memory) throw std::bad_alloc();
    ++seen.allocations;
    void* const memory = std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
    if (memory == nullptr) throw std::bad_alloc();
    std::memset(memory, 0xa5, bytes);
    add_region(memory, bytes, "");
    region& added = regions_[address_of(memory)];
    added.name = "allocation " + std::to_string(seen.allocations) + " (" + std::to_string(bytes) + " bytes)";
    added.alignment = alignment;
    fresh_ = &added;
    return memory;
  }
  void deallocate(void* memory, std::size_t bytes, std::size_t alignment) noexcept {
    const aside a;
    step("deallocate");
    const auto found = regions_.find(address_of(memory));
    if (found == regions_.end() || found->second.alignment == 0) return complain("deallocate of what was not allocated");
    if (found->second.size() != bytes || found->second.alignment != alignment)
      complain("deallocate with another size or alignment");
    remove_region(memory);
    std::memset(memory, freed_byte, bytes);
    freed_.emplace_back(memory, bytes);  // not used again in this world: so a late access finds an atomic that is none any more
  }
  void add_region(void* memory, std::size_t bytes, const char* name) {
    const aside a;
    step("add");
    region& added = regions_[address_of(memory)];
    added.name = name;
    added.bytes = static_cast<unsigned char*>(memory);
    added.shadow.assign(added.bytes, added.bytes + bytes);
    added.truth.resize(bytes);
    added.kinds.assign(bytes, kind::fresh);
  }
  /// The construction of what is there is over.
  void settle(void* memory) {
    const aside a;
    region& settled = regions_[address_of(memory)];
    for (std::size_t i = 0; i < settled.size(); ++i) {
      if (settled.kinds[i] != kind::fresh) continue;
      settled.kinds[i] = kind::watched;
      settled.shadow[i] = settled.bytes[i];
    }
  }
  void remove_region(void* memory) {
    const aside a;
    const auto found = regions_.find(address_of(memory));
    const auto first = address_of(memory);
    compare(found->second, memory, found->second.size());
    for (auto each = atomics_.lower_bound(first); each != atomics_.end() && each->first < first + found->second.size();) {
      complain("an atomic in " + found->second.name + " has not ended with its memory");
      each = atomics_.erase(each);
    }
    if (fresh_ == &found->second) fresh_ = nullptr;
    regions_.erase(found);
  }

  // ---- The seams --------------------------------------------------------------------------------------------------------------
  void begin(void* memory, std::size_t bytes) {
    const aside a;
    region* in = region_of(memory, bytes);
    if (in == nullptr && is_in_a_frame(memory)) {
      region& added = regions_[address_of(memory)];
      added.name = "an atomic in a frame";
      added.bytes = static_cast<unsigned char*>(memory);
      added.shadow.assign(added.bytes, added.bytes + bytes);
      added.truth.resize(bytes);
      added.kinds.assign(bytes, kind::watched);
      added.in_a_frame = true;
      in = &added;
    }
    if (in == nullptr) return complain("an atomic begins outside of all memory that the environment knows");
    if (!atomics_.emplace(address_of(memory), bytes).second) complain("an atomic begins where one is");
    const std::size_t at = address_of(memory) - address_of(in->bytes);
    mark(*in, memory, bytes, kind::watched);
    hide(*in, at, bytes, kind::atomic);
    // What the language may have zeroed before: the object that the atomic is the first member of.
    for (std::size_t i = at + bytes, end = i + 64; i < in->size() && i < end; ++i) {
      if (in->kinds[i] == kind::watched && in->bytes[i] == 0) in->shadow[i] = 0;
    }
    step("begin", place{}, in);
  }
  void end(void* memory) {
    const aside a;
    step("end");
    const auto found = atomics_.find(address_of(memory));
    if (found == atomics_.end()) return complain("an atomic ends that never began");
    if (region* const in = region_of(memory, found->second)) {
      mark(*in, memory, found->second, kind::watched);
      if (in->in_a_frame) regions_.erase(address_of(memory));
    }
    atomics_.erase(found);
  }
  /// An operation on an atomic begins: its value. (Where there is no atomic, which is a complaint, what is there.)
  template <class W>
  W operate(const W& object, const char* what, memory_order order) {
    const aside a;
    note(order);
    step(what, order.where());
    ++seen.atomic;
    W value = object;
    if (region* const in = region_of_atomic(&object, sizeof(W))) {
      compare(*in, &object, sizeof(W));
      std::memcpy(&value, &in->truth[address_of(&object) - address_of(in->bytes)], sizeof(W));
    } else {
      complain(std::string(what).append(" of something that is no atomic"));
    }
    return value;
  }
  /// It writes. The object's own bytes stay garbage.
  template <class W>
  void assign(W& object, W value) {
    if (region* const in = region_of_atomic(&object, sizeof(W))) {
      std::memcpy(&in->truth[address_of(&object) - address_of(in->bytes)], &value, sizeof(W));
    }
  }
  void note(memory_order order) {
    const aside a;
    places.emplace(order.where().file, order.where().line);
  }
  /// Plain data are about to be read or written.
  void plain(const void* memory, std::size_t bytes, bool writes, place where) {
    const aside a;
    if (where.line != 0) plain_places.emplace(where.file, where.line);
    step(writes ? "write" : "read", where);
    ++seen.plain;
    region* const in = region_of(memory, bytes);
    if (in == nullptr) return complain("plain data outside of all memory that the environment knows");
    compare(*in, memory, bytes);
    const std::size_t from = address_of(memory) - address_of(in->bytes);
    for (std::size_t i = from; i < from + bytes; ++i) {
      if (in->kinds[i] == kind::atomic) return complain("plain access to an atomic");
      if (in->kinds[i] == kind::hidden) in->bytes[i] = in->shadow[i] = in->truth[i];
      // A list of a thread's own is announced once, when the thread begins to work on it: see epoch_record::begin.
      if (in->kinds[i] == kind::owned && bytes > sizeof(std::uint64_t)) continue;
      in->kinds[i] = kind::watched;
    }
    open_ = {in->bytes + from, bytes, writes};
  }
  void fence(memory_order order) {
    const aside a;
    note(order);
    step("fence", order.where());
  }
  void event(const char* what, place where = {}) {
    const aside a;
    step(what, where);
  }
  /// The object belongs to one thread.
  void own(void* object, std::size_t bytes) {
    const aside a;
    step("a per-thread object");
    region* const in = region_of(object, bytes);
    if (in == nullptr) return complain("a per-thread object outside of all memory that the environment knows");
    mark_plain(*in, object, bytes, kind::owned);
  }
  /// The memory is the environment's own.
  void exempt(void* memory, std::size_t bytes) {
    const aside a;
    if (region* const in = region_of(memory, bytes)) mark(*in, memory, bytes, kind::owned);
  }

  // Sections that only a counter of pawl's knows of: as the host, but for the thread that forks, which is whichever the test says.
  bool note_section(const void* counter) {
    const aside a;
    step("note_section");
    if (sections_are_apart) {
      ++apart_[current_thread];
    } else {
      ++sections_[{current_thread, counter}];
    }
    return sections_are_apart;
  }
  bool section_is_apart(const void* counter) {
    const aside a;
    step("section_is_apart");
    return sections_[{current_thread, counter}] == 0 && apart_[current_thread] != 0;
  }
  void forget_section(const void* counter) {
    const aside a;
    step("forget_section");
    std::uint32_t& known = sections_[{current_thread, counter}];
    std::uint32_t& open = known != 0 ? known : apart_[current_thread];
    if (open == 0) return complain("a section ends that was never noted");
    --open;
  }
  pawl::detail::section_notes::forked forked_sections(const void* counter) {
    const aside a;
    step("forked_sections");
    const auto found = kept_.find(counter);
    return {found == kept_.end() ? 0 : found->second, apart_[forked_] != 0, 0};
  }
  bool has_sections_apart() {
    const aside a;
    step("has_sections_apart");
    return current_thread == forked_ && apart_[forked_] != 0;
  }
  /// The current thread forks, and this goes on as the child: no other thread is there.
  void fork() {
    const aside a;
    ++process;
    forked_ = current_thread;
    kept_.clear();
    for (const auto& [of, open] : sections_) {
      if (of.first == forked_ && open != 0) kept_[of.second] = open;
    }
    std::erase_if(sections_, [this](const auto& each) { return each.first.first != forked_; });
    std::erase_if(apart_, [this](const auto& each) { return each.first != forked_; });
  }

  template <class T>
  T& global() {
    static constexpr char key = 0;  // one per T
    for (const auto& each : globals_) {
      if (each.key == &key) return *static_cast<T*>(each.memory);
    }
    T* const made = static_cast<T*>(allocate(sizeof(T), alignof(T)));
    std::construct_at(made);
    const aside a;
    ++seen.globals;
    globals_.push_back({&key, made, sizeof(T), alignof(T), [](void* object) { std::destroy_at(static_cast<T*>(object)); }});
    return *made;
  }

 private:
  friend class per_thread_base;
  enum class kind : unsigned char { watched, fresh, atomic, hidden, owned };
  struct region {
    std::string name;
    unsigned char* bytes = nullptr;
    std::size_t alignment = 0;  // of allocations
    std::vector<unsigned char> shadow;  // what the bytes should be
    std::vector<unsigned char> truth;  // and what they would be, where garbage hides it
    std::vector<kind> kinds;
    std::map<std::size_t, std::size_t> values;  // by place, the sizes of plain data that are too large to be hidden at once
    bool in_a_frame = false;
    [[nodiscard]] std::size_t size() const noexcept { return shadow.size(); }
  };
  struct global_object {
    const void* key;
    void* memory;
    std::size_t bytes, alignment;
    void (*destroy)(void*);
  };
  // How often everything is compared. What an access touches always is, so that nothing escapes; only the place of the access before a
  // change is known less exactly.
  static constexpr std::size_t most_steps = 4'000'000;  // the longest takes a fifth of that
  static constexpr std::size_t period = pawl::detail::under_tsan || pawl::detail::under_asan ? 32 : 1;
  // Another one at each address: so what is read past a seam differs from object to object. A word of it is no pointer to anywhere.
  static unsigned char garbage_at(std::uintptr_t address) noexcept {
    if (address % 8 == 7) return 0xdb;
    return static_cast<unsigned char>((address * std::uint64_t{0x9e3779b97f4a7c15}) >> 56U);
  }
  static constexpr unsigned char freed_byte = 0xdd;

  static std::uintptr_t address_of(const void* memory) noexcept { return reinterpret_cast<std::uintptr_t>(memory); }
  region* region_of(const void* memory, std::size_t bytes) {
    auto after = regions_.upper_bound(address_of(memory));
    if (after == regions_.begin()) return nullptr;
    region& candidate = std::prev(after)->second;
    return address_of(memory) + bytes <= address_of(candidate.bytes) + candidate.size() ? &candidate : nullptr;
  }
  // Of the caller's frame or one of those above it: the stack grows towards lower addresses.
  static bool is_in_a_frame(const void* memory) noexcept {
    constexpr std::size_t near = std::size_t{64} << 10U;
    const auto here = address_of(__builtin_frame_address(0));
    return address_of(memory) > here && address_of(memory) - here < near;
  }
  static void mark(region& in, const void* memory, std::size_t bytes, kind as) {
    const std::size_t from = address_of(memory) - address_of(in.bytes);
    for (std::size_t i = from; i < from + bytes; ++i) in.kinds[i] = as;
  }
  static void mark_plain(region& in, const void* memory, std::size_t bytes, kind as) {
    const std::size_t from = address_of(memory) - address_of(in.bytes);
    for (std::size_t i = from; i < from + bytes; ++i) {
      if (in.kinds[i] == kind::watched || in.kinds[i] == kind::fresh) in.kinds[i] = as;
    }
  }
  region* region_of_atomic(const void* memory, std::size_t bytes) {
    const auto found = atomics_.find(address_of(memory));
    return found == atomics_.end() || found->second != bytes ? nullptr : region_of(memory, bytes);
  }
  // From now on garbage stands there, and what was there is kept elsewhere.
  static void hide(region& in, std::size_t from, std::size_t bytes, kind as) {
    for (std::size_t i = from; i < from + bytes; ++i) {
      if (in.kinds[i] == kind::hidden || in.kinds[i] == kind::atomic) continue;
      in.kinds[i] = as;
      in.truth[i] = in.bytes[i];
      in.bytes[i] = in.shadow[i] = garbage_at(address_of(in.bytes + i));
    }
  }
  /// Before every recorded access.
  void step(const char* what, place at = {}, const region* begins_in = nullptr) {
    ++seen.steps;
    if (seen.steps == most_steps) {
      complain("a scenario without an end: an access past a seam may make one wait for what it can't see");
      std::abort();
    }
    close();
    if (fresh_ != nullptr && begins_in != fresh_) settle(std::exchange(fresh_, nullptr)->bytes);
    if (seen.steps % period == 0) compare_all();
    operations.emplace(what);
    last_what_ = what;
    last_place_ = at;
    if (until_interrupt_ != 0 && --until_interrupt_ == 0) {
      const int thread = current_thread;
      region* const fresh = std::exchange(fresh_, nullptr);
      {
        const auto run = std::move(interruption_);
        const aside::suspended pawls_turn;
        run();
      }
      current_thread = thread;
      close();
      fresh_ = fresh;
    }
  }
  // The plain access that was announced last is over.
  void close() {
    if (open_.bytes == nullptr) return;
    const window closed = std::exchange(open_, {});
    region* const in = region_of(closed.first(), closed.bytes_count);
    if (in == nullptr) return;
    const std::size_t from = address_of(closed.bytes) - address_of(in->bytes);
    if (closed.writes) std::memcpy(&in->shadow[from], closed.bytes, closed.bytes_count);
    if (closed.bytes_count > 8) {
      in->values[from] = closed.bytes_count;
      return;
    }
    if (!closed.writes) compare(*in, closed.bytes, closed.bytes_count);
    hide(*in, from, closed.bytes_count, kind::hidden);
  }
  void compare_all() {
    for (auto& each : regions_) compare(each.second, each.second.bytes, each.second.size());
  }
  void compare(region& in, const void* memory, std::size_t bytes) {
    const std::size_t from = address_of(memory) - address_of(in.bytes);
    if (std::memcmp(memory, &in.shadow[from], bytes) == 0) return;
    std::size_t complained = 0;  // one complaint per word is enough
    for (std::size_t i = from; i < from + bytes; ++i) {
      if (in.bytes[i] == in.shadow[i]) continue;
      const bool allowed = in.kinds[i] == kind::fresh || in.kinds[i] == kind::owned;
      if (!allowed && i >= complained) {
        complained = i + 8;
        complain(in.name + ", byte " + std::to_string(i) + ", was changed past every seam");
      }
      in.shadow[i] = in.bytes[i];
    }
  }

  struct window {
    unsigned char* bytes = nullptr;
    std::size_t bytes_count = 0;
    bool writes = false;
    [[nodiscard]] const void* first() const noexcept { return bytes; }
  };

  static inline world* active = nullptr;
  std::map<std::uintptr_t, region> regions_;
  std::map<std::uintptr_t, std::size_t> atomics_;  // those that have begun and not ended
  std::vector<std::pair<void*, std::size_t>> freed_;
  std::vector<per_thread_base*> owners_;
  std::vector<global_object> globals_;
  std::vector<std::string> complaints_;
  region* fresh_ = nullptr;  // under construction
  window open_;
  std::map<std::pair<int, const void*>, std::uint32_t> sections_;  // by thread and counter, those that are noted
  std::map<int, std::uint32_t> apart_;  // by thread, the others
  std::map<const void*, std::uint32_t> kept_;  // by counter, those of the thread that forked
  int forked_ = 0;
  const char* last_what_ = "none";
  place last_place_;
  std::size_t until_interrupt_ = 0;
  std::function<void()> interruption_;
  bool ended_ = false;
};

/// The objects of one owner, by simulated thread.
class per_thread_base {
 public:
  per_thread_base(const per_thread_base&) = delete;
  per_thread_base& operator=(const per_thread_base&) = delete;
  void end_thread(int thread, bool vanishes) noexcept {
    for (auto& each : entries_) {
      if (each.thread == thread) each.thread = vanishes ? lost : nobody;
    }
  }

 protected:
  static constexpr int nobody = -1;
  static constexpr int lost = -2;
  struct entry {
    void* object;
    int thread;
  };
  per_thread_base() {
    const aside a;
    world::get().owners_.push_back(this);
  }
  ~per_thread_base() {
    const aside a;
    std::erase(world::get().owners_, this);
  }
  mutable std::vector<entry> entries_;
};

inline void world::end_thread(int thread, bool vanishes) {
  const aside a;
  for (per_thread_base* each : owners_) each->end_thread(thread, vanishes);
}

template <class T>
class per_thread : public per_thread_base {
 public:
  per_thread() { world::get().exempt(this, sizeof *this); }
  ~per_thread() {
    const aside a;
    entries_ = {};
  }

  using key = const per_thread*;
  [[nodiscard]] key id() const noexcept { return this; }
  static T* find(key owner) noexcept { return owner->held_by(world::get().current_thread); }
  T* find() const noexcept { return find(this); }
  template <class Make>
  T& get(Make make) {
    world& w = world::get();
    if (T* const mine = find()) return *mine;
    tell_the_lost();
    if (T* const adopted = held_by(nobody)) {
      ++w.seen.adopted;
      for (auto& each : entries_) {
        if (each.object == adopted) each.thread = w.current_thread;
      }
      return *adopted;
    }
    T* const made = make();
    const aside a;
    ++w.seen.thread_objects;
    w.own(made, sizeof(T));
    entries_.push_back({made, w.current_thread});
    return *made;
  }
  // By number: f may make objects.
  template <class F>
  void for_each(F f) const {
    for (std::size_t i = 0; i < entries_.size(); ++i) f(*static_cast<T*>(entries_[i].object));
  }
  template <class F>
  void for_each_abandoned(F f) const {
    tell_the_lost();
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      if (entries_[i].thread != nobody) continue;
      ++world::get().seen.abandoned;
      f(*static_cast<T*>(entries_[i].object));
    }
  }
  void end_lost() const noexcept { tell_the_lost(); }

 private:
  void tell_the_lost() const noexcept {
    for (auto& each : entries_) {
      if (each.thread != lost) continue;
      each.thread = nobody;
      if constexpr (requires(T& object) { object.lost_thread(); }) static_cast<T*>(each.object)->lost_thread();
    }
  }
  T* held_by(int thread) const noexcept {
    for (const auto& each : entries_) {
      if (each.thread == thread) return static_cast<T*>(each.object);
    }
    return nullptr;
  }
};

/// Has every optional function.
struct recorder {
  static constexpr const char* name = "recorder";
  static constexpr bool has_double_width = true;
  using memory_order = rec::memory_order;

  template <class W>
  static W load(const W& object, memory_order order) noexcept {
    return world::get().operate(object, "load", order);
  }
  template <class W>
  static void store(W& object, std::type_identity_t<W> desired, memory_order order) noexcept {
    modify(object, "store", order, [desired](W) noexcept { return desired; });
  }
  // Every fourth attempt that could succeed fails spuriously.
  template <class W>
  static bool compare_exchange_weak(W& object, W& expected, std::type_identity_t<W> desired, memory_order success,
                                    memory_order failure) noexcept {
    return compare_exchange(object, expected, desired, success, failure, "compare_exchange_weak", true);
  }
  template <class W>
  static bool compare_exchange_strong(W& object, W& expected, std::type_identity_t<W> desired, memory_order success,
                                      memory_order failure) noexcept {
    return compare_exchange(object, expected, desired, success, failure, "compare_exchange_strong", false);
  }
  template <class W>
  static W exchange(W& object, std::type_identity_t<W> desired, memory_order order) noexcept {
    return modify(object, "exchange", order, [desired](W) noexcept { return desired; });
  }
  template <class W>
  static W test_and_set(W& object, memory_order order) noexcept {
    return modify(object, "test_and_set", order, [](W) noexcept { return W{1}; });
  }
  template <class W>
  static W fetch_add(W& object, std::type_identity_t<W> operand, memory_order order) noexcept {
    return modify(object, "fetch_add", order, [operand](W old) noexcept { return static_cast<W>(old + operand); });
  }
  template <class W>
  static W fetch_sub(W& object, std::type_identity_t<W> operand, memory_order order) noexcept {
    return modify(object, "fetch_sub", order, [operand](W old) noexcept { return static_cast<W>(old - operand); });
  }
  template <class W>
  static W fetch_and(W& object, std::type_identity_t<W> operand, memory_order order) noexcept {
    return modify(object, "fetch_and", order, [operand](W old) noexcept { return static_cast<W>(old & operand); });
  }
  template <class W>
  static W fetch_or(W& object, std::type_identity_t<W> operand, memory_order order) noexcept {
    return modify(object, "fetch_or", order, [operand](W old) noexcept { return static_cast<W>(old | operand); });
  }
  template <class W>
  static W fetch_xor(W& object, std::type_identity_t<W> operand, memory_order order) noexcept {
    return modify(object, "fetch_xor", order, [operand](W old) noexcept { return static_cast<W>(old ^ operand); });
  }
  // These compare: V is signed where the atomic's type is.
  template <class V>
  static V fetch_min(V& object, std::type_identity_t<V> operand, memory_order order) noexcept {
    return modify(object, "fetch_min", order, [operand](V old) noexcept { return std::min(old, operand); });
  }
  template <class V>
  static V fetch_max(V& object, std::type_identity_t<V> operand, memory_order order) noexcept {
    return modify(object, "fetch_max", order, [operand](V old) noexcept { return std::max(old, operand); });
  }
  template <class V>
  static V fetch_add_sat(V& object, std::type_identity_t<V> operand, memory_order order) noexcept {
    return modify(object, "fetch_add_sat", order, [operand](V old) noexcept { return pawl::detail::saturating_sum(old, operand); });
  }
  template <class W>
  static W fetch_inc_wrap(W& object, std::type_identity_t<W> limit, memory_order order) noexcept {
    return modify(object, "fetch_inc_wrap", order,
                  [limit](W old) noexcept { return old >= limit ? W{0} : static_cast<W>(old + 1); });
  }
  template <class V>
  static V fetch_inc_below(V& object, std::type_identity_t<V> limit, memory_order order) noexcept {
    return modify(object, "fetch_inc_below", order,
                  [limit](V old) noexcept { return old < limit ? static_cast<V>(old + 1) : old; });
  }
  template <class T>
  static T fetch_add_floating(T& object, std::type_identity_t<T> operand, memory_order order) noexcept {
    return modify(object, "fetch_add_floating", order, [operand](T old) noexcept { return old + operand; });
  }
  template <class W>
  static void store_add(W& object, std::type_identity_t<W> operand, memory_order order) noexcept {
    modify(object, "store_add", order, [operand](W old) noexcept { return static_cast<W>(old + operand); });
  }
  template <class W>
  static void store_sub(W& object, std::type_identity_t<W> operand, memory_order order) noexcept {
    modify(object, "store_sub", order, [operand](W old) noexcept { return static_cast<W>(old - operand); });
  }
  template <class W>
  static void store_and(W& object, std::type_identity_t<W> operand, memory_order order) noexcept {
    modify(object, "store_and", order, [operand](W old) noexcept { return static_cast<W>(old & operand); });
  }
  template <class W>
  static void store_or(W& object, std::type_identity_t<W> operand, memory_order order) noexcept {
    modify(object, "store_or", order, [operand](W old) noexcept { return static_cast<W>(old | operand); });
  }
  template <class W>
  static void store_xor(W& object, std::type_identity_t<W> operand, memory_order order) noexcept {
    modify(object, "store_xor", order, [operand](W old) noexcept { return static_cast<W>(old ^ operand); });
  }
  template <class V>
  static void store_min(V& object, std::type_identity_t<V> operand, memory_order order) noexcept {
    modify(object, "store_min", order, [operand](V old) noexcept { return std::min(old, operand); });
  }
  template <class V>
  static void store_max(V& object, std::type_identity_t<V> operand, memory_order order) noexcept {
    modify(object, "store_max", order, [operand](V old) noexcept { return std::max(old, operand); });
  }
  template <class T>
  static void store_add_floating(T& object, std::type_identity_t<T> operand, memory_order order) noexcept {
    modify(object, "store_add_floating", order, [operand](T old) noexcept { return old + operand; });
  }
  static void thread_fence(memory_order order) noexcept { world::get().fence(order); }
  static void pause() noexcept {
    ++world::get().seen.pauses;
    world::get().event("pause");
    if (world::get().waits) world::get().waits();
  }

 private:
  template <class W, class F>
  static W modify(W& object, const char* what, memory_order order, F f) noexcept {
    world& w = world::get();
    const W old = w.operate(object, what, order);
    w.assign(object, static_cast<W>(f(old)));
    return old;
  }
  template <class W>
  static bool compare_exchange(W& object, W& expected, W desired, memory_order success, memory_order failure, const char* what,
                               bool may_fail) noexcept {
    world& w = world::get();
    w.note(failure);
    const W found = w.operate(object, what, success);
    if (found == expected) {
      if (may_fail && w.attempts++ % 4 == 0) return false;
      w.assign(object, desired);
      return true;
    }
    expected = found;
    return false;
  }
};
static_assert(pawl::is_backend<recorder>);

}  // namespace rec

template <>
struct pawl::environment<rec::recorder> {
  static constexpr pawl::tuning tuning{.scan_threshold = 8, .cache_size = 2, .growth_check = 1, .bucket_piece_bits = 1};

  using place = rec::place;

  template <class T>
  using per_thread = rec::per_thread<T>;
  template <class T>
  static T& global() {
    return rec::world::get().global<T>();
  }
  static void* allocate(std::size_t bytes, std::size_t alignment) { return rec::world::get().allocate(bytes, alignment); }
  static void deallocate(void* memory, std::size_t bytes, std::size_t alignment) noexcept {
    rec::world::get().deallocate(memory, bytes, alignment);
  }

  static std::uint32_t process() noexcept { return rec::world::get().process; }
  static const pawl::detail::section_notes& section_notes() noexcept {
    static constexpr pawl::detail::section_notes notes{
        [](const void* counter) noexcept { return rec::world::get().note_section(counter); },
        [](const void* counter) noexcept { return rec::world::get().section_is_apart(counter); },
        [](const void* counter) noexcept { rec::world::get().forget_section(counter); },
        [](const void* counter) noexcept { return rec::world::get().forked_sections(counter); },
        []() noexcept { return rec::world::get().has_sections_apart(); }};
    return notes;
  }

  static constexpr bool tracks_atomics = true;
  static void begin(void* memory, std::size_t bytes) noexcept { rec::world::get().begin(memory, bytes); }
  static void end(void* memory) noexcept { rec::world::get().end(memory); }
  static constexpr bool tracks_plain = true;
  static void read(const void* memory, std::size_t bytes, place where) noexcept {
    rec::world::get().plain(memory, bytes, false, where);
  }
  static void write(void* memory, std::size_t bytes, place where) noexcept { rec::world::get().plain(memory, bytes, true, where); }

  // Sleeps from one interruption to the next.
  template <class W, class Until>
  static void wait(const W& object, Until until, rec::memory_order order) noexcept {
    ++rec::world::get().seen.waits;
    while (!until(rec::recorder::load(object, order))) {
      ++rec::world::get().seen.sleeps;
      rec::world::get().event("sleep");
    }
  }
  template <class W>
  static void notify_one(const W&, place where) noexcept {
    ++rec::world::get().seen.notified_one;
    rec::world::get().event("notify_one", where);
  }
  template <class W>
  static void notify_all(const W&, place where) noexcept {
    ++rec::world::get().seen.notified_all;
    rec::world::get().event("notify_all", where);
  }

  enum class fences : unsigned char { settled = 0x5e, usual = 0x5f };
  static constexpr fences usual_fences = fences::usual;
  static fences settle_fences() noexcept {
    ++rec::world::get().seen.settled;
    return rec::world::get().fences_are_usual ? fences::usual : fences::settled;
  }
  static void light_fence(place where = {__builtin_FILE(), __builtin_LINE()}) noexcept {
    ++rec::world::get().seen.light;
    rec::world::get().event("light fence", where);
  }
  static void light_fence(fences as_settled, place where = {__builtin_FILE(), __builtin_LINE()}) noexcept {
    if (as_settled != fences::settled && as_settled != fences::usual)
      rec::world::get().complain("the fences' state was read past the seam");
    light_fence(where);
  }
  static bool heavy_fence(place where = {__builtin_FILE(), __builtin_LINE()}) noexcept {
    ++rec::world::get().seen.heavy;
    rec::world::get().event("heavy fence", where);
    return !rec::world::get().heavy_fence_fails;
  }
};

static_assert(pawl::is_environment<pawl::environment<rec::recorder>>);

namespace rec {

/// An object of pawl's that is not in memory of the environment.
template <class T>
class object {
 public:
  template <class... Args>
  explicit object(const char* name, Args&&... args) {
    world::get().add_region(storage_, sizeof storage_, name);
    // Where the constructor throws, the memory is no object's.
    struct forget {
      void* memory;
      ~forget() {
        if (memory != nullptr) world::get().remove_region(memory);
      }
    } guard{storage_};
    made_ = std::construct_at(reinterpret_cast<T*>(storage_), std::forward<Args>(args)...);
    guard.memory = nullptr;
    world::get().settle(storage_);
  }
  object(const object&) = delete;
  object& operator=(const object&) = delete;
  ~object() {
    std::destroy_at(made_);
    world::get().event("the end of an object");
    world::get().remove_region(storage_);
  }
  T& operator*() noexcept { return *made_; }
  T* operator->() noexcept { return made_; }

 private:
  alignas(T) std::byte storage_[sizeof(T)]{};
  T* made_;
};

}  // namespace rec
