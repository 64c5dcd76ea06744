// SPDX-License-Identifier: BSL-1.0
// One check in progress: the explorer, the memory of the execution that runs, and what went wrong.
#pragma once

#include <concepts>
#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "explorer.hpp"
#include "history.hpp"
#include "memory.hpp"
#include "missing_edge.hpp"
#include "picture.hpp"
#include "replay_text.hpp"
#include "report.hpp"
#include "sleeping.hpp"
#include "trace.hpp"

namespace pawl::inline v0::model::detail {

class execution;
/// The check in whose execution the caller is; null outside.
inline constinit execution* active = nullptr;

/// Outside of the check for as long as it lives. Where operator new is the program's that is checked (see replace_new.hpp), the checker
/// has one wherever it allocates by it in a body.
class unobserved {
 public:
  unobserved() noexcept : before_(std::exchange(active, nullptr)) {}
  unobserved(const unobserved&) = delete;
  unobserved& operator=(const unobserved&) = delete;
  ~unobserved() { active = before_; }

 private:
  execution* before_;
};

/// In the check for as long as it lives, which ends also where the checker itself has no more memory.
class observed {
 public:
  explicit observed(execution& by) noexcept { active = &by; }
  observed(const observed&) = delete;
  observed& operator=(const observed&) = delete;
  ~observed() { active = nullptr; }
};

class execution {
 public:
  /// `records`: the steps of a run, so that a violation comes with its trace; else only with what it takes to run it again.
  execution(const replay_settings& settings, bool records)
      : explorer_(settings.spurious_failures), settings_(settings), records_(records) {
    explorer_.note_alternatives(records);
    explorer_.watch_memory(
        [](const void* self) {
          const auto& e = *static_cast<const execution*>(self);
          const auto* const functions = reinterpret_cast<const std::byte*>(e.functions_);
          std::uint64_t hash = detail::hash(1, functions, e.functions_used_ * sizeof e.functions_[0]);
          e.arena_.for_each_alive([&hash](const std::byte* begin, std::size_t bytes) { hash = detail::hash(hash, begin, bytes); });
          return hash;
        },
        this);
  }
  execution(const execution&) = delete;
  execution& operator=(const execution&) = delete;

  /// Whether operations of a linearizable history are ordered as they come, and not only where one happens before another.
  [[nodiscard]] bool realtime() const noexcept { return settings_.realtime; }
  /// The running thread takes its place in the order of all moments. The event whose position it is.
  stamp moment_in_order() {
    if (moments_ == none) moments_ = explorer_.state().add_location(location::purpose::moments);
    return explorer_.moment(moments_);
  }

  explorer& steps() noexcept { return explorer_; }
  [[nodiscard]] const std::optional<violation>& failure() const noexcept { return failure_; }
  [[nodiscard]] const std::map<std::string, std::string>& observed() const noexcept { return observed_; }
  /// Steps of this run that are operations on atomics or plain data, or fences.
  [[nodiscard]] std::size_t steps_taken() const noexcept { return steps_taken_; }

  void new_run() {
    objects_.new_run();
    setup_.new_run();
    setup_region_ = none;
    threads_before_ = explorer_.known_threads();
    made_before_all_ = false;
    arena_.new_run();
    functions_used_ = 0;
    history_.clear();
    steps_taken_ = 0;
    observed_.clear();
    for (std::uint32_t& each : begun_) each = 0;
    for (place& each : last_) each = {"", 0, true};
  }
  /// Memory for what a new thread runs. Mostly a few references: then it is the check's own, which takes no time.
  void* room_for_function(std::size_t bytes, std::size_t alignment, const place& where) {
    if (bytes > sizeof functions_[0] || alignment > alignof(function_room) || functions_used_ == max_threads)
      return allocate(bytes, alignment, false, where);
    explorer_.act();
    named(where);
    return &functions_[functions_used_++];
  }
  /// A thread has begun: its first places are that of its begin.
  void begin_thread(unsigned thread, const place& where) {
    if (thread >= max_threads) return;
    last_[thread] = {where.file, where.line, true};
    show_thread("starts thread", where, step::about::starts, thread);
  }
  void join(unsigned thread, const place& given) {
    const place where = named(given);
    explorer_.join(thread);
    show_thread("joins thread", where, step::about::joins, thread);
  }
  template <class Number>
  void observe(const char* name, Number value) {
    explorer_.act();
    const unobserved by_the_body;
    observed_[name] = std::to_string(value);
  }

  // ---- What is there before all threads, see setup.hpp ---------------------------------------------------------------------------

  /// Whether what is done now is no part of the execution.
  [[nodiscard]] bool setting_up() const noexcept { return setup_region_ != none; }
  /// What an atomic holds after that is what it begins with.
  void set_initial(const void* address, uint128 value) {
    const object& o = objects_.at(address);
    if (o.what == object::life::atomic) explorer_.state().at(o.location).initial_value = value;
  }
  void begin_owner(const void* address) { setup_.begin_owner(address); }
  /// The running thread's object of an owner; null where none was made.
  void* object_of(const void* address) {
    const owner& o = setup_.at(address);
    return o.made ? o.objects[explorer_.running()] : nullptr;
  }
  template <class Make>
  void* object_of(const void* address, const Make& make) {
    owner& o = setup_.at(address);
    if (!o.make) {
      // Somebody has walked over nothing, who would now find something.
      if (o.walked) begin_again_ = true;
      o.make = maker(make);
    }
    make_all(o);
    return o.objects[explorer_.running()];
  }
  template <class F>
  void for_each_object(const void* address, F f) {
    owner& o = setup_.at(address);
    if (!o.make) {
      o.walked = true;
      return;
    }
    make_all(o);
    for (unsigned t = 0; t < explorer_.known_threads(); ++t) {
      if (void* const object = setup_.at(address).objects[t]) f(object);
    }
  }
  /// Those of threads that have ended, and whom the running thread has joined.
  template <class F>
  void for_each_inherited(const void* address, F f) {
    for (unsigned t = 0; t < explorer_.known_threads(); ++t) {
      if (!explorer_.inherits(t)) continue;
      const owner& o = setup_.at(address);
      if (o.made && o.objects[t] != nullptr) f(o.objects[t]);
    }
  }
  template <class T>
  T& global() {
    static constexpr char type = 0;
    if (void* const made = setup_.find_global(&type)) return *static_cast<T*>(made);
    void* const made = set_up(&type, 0, 0, [this]() -> void* { return ::new (allocate(sizeof(T), alignof(T), false, {})) T(); });
    setup_.globals().push_back({&type, made, [](void* object) { static_cast<T*>(object)->~T(); }});
    return *static_cast<T*>(made);
  }
  /// The main thread has ended: so do the process's objects, each as a part of the execution.
  void end_globals() {
    while (!setup_.globals().empty()) {
      const setup::global last = setup_.globals().back();
      setup_.globals().pop_back();
      last.destroy(last.object);
    }
  }
  /// A thread was seen for the first time, and objects were made without one for it: nothing that this check has seen counts.
  [[nodiscard]] bool must_begin_again() noexcept {
    if (made_before_all_ && explorer_.known_threads() > threads_before_) begin_again_ = true;
    if (explorer_.notified().must_begin_again()) begin_again_ = true;
    return std::exchange(begin_again_, false);
  }
  void begin_again() {
    failure_.reset();
    explorer_.begin();
  }

  /// Addresses below are those of null, and of fields of what is at null.
  static constexpr std::uintptr_t null_page = 4096;
  /// The program accesses an address of the null page; null_page itself: one of which is only known that nothing can be there.
  void followed_null(std::uintptr_t address, const place& where) {
    const auto text = [address] {
      if (address >= null_page)
        return std::string("access to an address that is none: the pointer was never written, or is no pointer");
      return "access to address " + text_of_address(address) + ": a null pointer was followed";
    };
    fail(violation_kind::use_after_free, text, where, "access");
  }
  /// Before an access that reads what is there.
  void check_not_null(const void* address, const place& where) {
    const auto at = reinterpret_cast<std::uintptr_t>(address);
    if (at < null_page) followed_null(at, where);
  }

  // ---- Atomics -------------------------------------------------------------------------------------------------------------------

  [[gnu::noinline]] void begin_atomic(const void* address, std::size_t bytes, uint128 value) {
    if (setting_up()) return;
    const place where = named({});
    object& o = note_write(address, "begun", where, "atomic begins");
    const unsigned t = explorer_.running();
    buffer<std::uint32_t>& mine = locations_of_[t];
    const std::uint32_t nth = begun_[t]++;
    if (nth == mine.size()) mine.push_back(explorer_.state().add_location());
    o.what = object::life::atomic;
    o.location = mine[nth];
    o.bytes = static_cast<std::uint8_t>(bytes);
    explorer_.state().at(o.location).initial_value = value;
    explorer_.act();
    if (shows()) [[unlikely]]
      record({.operation = "atomic begins", .where = where, .value = value, .says = step::about::begins_with});
  }
  [[gnu::noinline]] void end_object(const void* address) {
    if (setting_up()) return;
    object& o = objects_.at(address);
    if (o.what == object::life::none) return;
    const place where = named({});
    const char* const what = o.what == object::life::atomic ? "atomic ends" : "object ends";
    ensure_after_all(o, "an object ends while it is used", what, where);
    o.what = object::life::ended;
    o.written = moment_of(explorer_.running());
    o.where_written = where;
    if (shows()) [[unlikely]]
      record({.operation = what, .where = where});
  }
  /// The location of the atomic at this address, which is accessed by this operation.
  std::uint32_t location_of(const void* address, std::size_t bytes, place given, const char* operation) {
    const place where = named(given);
    const unsigned t = explorer_.running();
    object* const o = objects_.known_at(address);
    if (o == nullptr || o->what != object::life::atomic || o->bytes != bytes ||
        !o->written.happens_before(explorer_.state().threads[t].now, t)) [[unlikely]]
      return meet_atomic(address, bytes, where, operation);
    o->used.time[t] = moment_of(t).time;
    o->where_used[t] = where;
    return o->location;
  }
  /// A fence comes.
  void name(place where) noexcept { named(where); }
  /// An operation on an atomic, or a fence, that the explorer has just executed, and whose place was named before.
  void step_taken(const char* operation, place where, uint128 value) {
    const buffer<stamp>& came = explorer_.arrivals();
    if (!takes_step()) [[likely]]
      return;
    record_event(operation, where.line == 0 ? last_[explorer_.running()] : where, value,
                 came.empty() ? initial : came[came.size() - 1]);
  }

  // ---- Waiting to be notified ----------------------------------------------------------------------------------------------------

  /// The running thread has found in this location what it waits to change: returns when a notification has woken it.
  void sleep(std::uint32_t l, const place& where) {
    note_step("sleeps", where);
    explorer_.sleep(l);
    note_step("is woken", named(where));
  }
  void notify(std::uint32_t l, bool one, const place& given) {
    const place where = named(given);
    explorer_.notify(l, one, where);
    note_step(one ? "notify_one" : "notify_all", where);
  }

  // ---- Plain data ----------------------------------------------------------------------------------------------------------------

  void read_plain(const void* address, std::size_t bytes, const place& given);
  /// `value`: what is written, so many bytes; null where that is not known yet.
  void write_plain(const void* address, std::size_t bytes, const void* value, const place& given);

  // ---- Allocation ----------------------------------------------------------------------------------------------------------------

  void* allocate(std::size_t bytes, std::size_t alignment, bool counts, const place& given);
  [[nodiscard]] bool owns(const void* memory) const noexcept { return arena_.owns(memory); }
  void deallocate(void* memory, const place& given);

  // ---- Ends ----------------------------------------------------------------------------------------------------------------------

  /// Takes the failure out: the check goes on.
  std::optional<violation> take_failure() { return std::exchange(failure_, std::nullopt); }
  /// Looks at a run that came to its end.
  void finish(explorer::outcome how) {
    if (failure_) return;
    if (explorer_.has_left_script(how)) {
      note(violation_kind::requirement,
           "the replay string does not fit: it is that of another program, or the program is not what it was");
    } else if (how == explorer::outcome::complete) {
      if (const block* const lost = arena_.leaked())
        note(violation_kind::leak, "memory is never freed, allocated " + text_of(lost->where_allocated));
    } else if (how == explorer::outcome::blocked && explorer_.stuck()) {
      const std::string asleep =
          sleeping(explorer_, [this](unsigned t) { return text_of({last_[t].file, last_[t].line}); }).as_text();
      if (!asleep.empty()) return note(violation_kind::deadlock, asleep);
      const bool loops = explorer_.waits_in_loop();
      note(loops ? violation_kind::livelock : violation_kind::deadlock,
           loops ? "threads wait in a loop for what no thread will store" : "threads wait for each other");
    } else if (how == explorer::outcome::livelock) {
      const std::size_t first = last_round_to_the_end();
      note(violation_kind::livelock, "threads undo each other's steps, and can do so for ever", first);
    } else if (how == explorer::outcome::diverged) {
      note(violation_kind::requirement,
           "the body does not do the same again: it depends on time, chance, addresses of its own, or data that outlives a run");
    }
  }
  /// Notes a violation, the first one, by this operation, which is the last step then. The run ends at the next stop_if_failed(): here
  /// there may be objects to be ended.
  void fail(violation_kind kind, std::string_view message, const place& where, const char* operation) {
    fail(kind, [message] { return std::string(message); }, where, operation);
  }
  /// The same of what text() returns. `after`: what the operation was to happen after, and doesn't.
  template <std::invocable Text>
  void fail(violation_kind kind, const Text& text, const place& where, const char* operation, const moment* after = nullptr) {
    // In an iteration that is only tried, it is none yet: it comes again in the graph.
    if (explorer_.trying()) {
      failed_in_trial_ = true;
    } else if (!failure_) {
      const place shown = named(where);
      const unobserved by_the_body;
      if (records_) record({.operation = operation, .where = shown});
      note(kind, text() + ", " + text_of(shown) + (records_ && after != nullptr ? edge_from(*after) : ""));
    }
  }
  /// Whether the run ends at the next stop_if_failed().
  [[nodiscard]] bool failed() const noexcept { return failure_.has_value() || failed_in_trial_; }
  void stop_if_failed() {
    if (failed()) [[unlikely]]
      stop_failed();
  }

 private:
  [[gnu::noinline, gnu::cold]] void stop_failed() {
    if (failure_) explorer_.stop(explorer::outcome::stopped);
    failed_in_trial_ = false;
    explorer_.act();
  }
  // ---- Steps ----

  // Whether what the running thread does is a step of a run that is shown.
  [[nodiscard]] bool shows() const noexcept { return records_ && !explorer_.trying() && !failure_; }
  // The running thread takes a step, that counts. The same.
  bool takes_step() noexcept {
    if (explorer_.trying() || failure_) return false;
    ++steps_taken_;
    return records_;
  }
  void record(detail::step s);
  void record_event(const char* operation, const place& where, uint128 value, stamp event);
  void record_memory(const char* operation, const block& memory, const place& where, stamp event);
  void record_read(const void* address, std::size_t bytes, const place& where);
  void record_write(const void* address, std::size_t bytes, const void* value, const place& where);
  void show_thread(const char* operation, const place& where, step::about says, unsigned other);
  void note_step(const char* operation, const place& where);
  // Why `earlier` does not happen before the last step, to be put behind a message.
  [[nodiscard]] std::string edge_from(const moment& earlier) const;

  // Freed memory, given again: nothing that was known of it holds any more.
  void* renewed(void* memory, const place& where);
  // The location that has such events, made when it is needed first.
  template <class Key>
  std::uint32_t list_of(std::map<Key, std::uint32_t>& all, const Key& key, location::purpose is) {
    const unobserved by_the_body;
    auto [known, fresh] = all.try_emplace(key, 0);
    if (fresh) known->second = explorer_.state().add_location(is);
    return known->second;
  }
  // An access that names no place is known by the place that its thread named last.
  place named(place where) noexcept {
    place& last = last_[explorer_.running()];
    if (where.line == 0) return last;
    last = {where.file, where.line, true};
    return where;
  }
  template <class Make>
  void* set_up(const void* whose, std::uint32_t generation, unsigned thread, const Make& make) {
    const unsigned before = std::exchange(setup_region_, setup_.region_of(whose, generation, thread));
    void* const made = make();
    setup_region_ = before;
    return made;
  }
  void make_all(owner& o) {
    made_before_all_ = true;
    for (unsigned t = 0; t < explorer_.known_threads(); ++t) {
      if (!o.made || o.objects[t] == nullptr) o.objects[t] = set_up(o.address, o.generation, t, o.make);
    }
    for (unsigned t = explorer_.known_threads(); t < max_threads && !o.made; ++t) o.objects[t] = nullptr;
    o.made = true;
  }
  [[nodiscard]] moment moment_of(unsigned thread) noexcept {
    return {static_cast<std::uint16_t>(explorer_.state().threads[thread].now.time[thread] + 1), static_cast<std::uint8_t>(thread)};
  }
  // Whether the memory at this address may be used. That of an object that lives may: its block's end is its own.
  void check_memory(const object& o, const void* address, const place& where, const char* operation);
  // Of an object that is not known yet: whatever the allocator has done to its memory comes before.
  void check_allocated(const block& home, const place& where, const char* operation);
  // location_of for an atomic that is no atomic yet, or not for this thread.
  std::uint32_t meet_atomic(const void* address, std::size_t bytes, const place& where, const char* operation);
  // No memory model says what atomic accesses of different sizes to the same bytes do.
  void ensure_of_one_size(const void* address, std::size_t bytes, const place& where);
  // Of an object whose begin was not announced: memory that still holds what the arena filled it with was never written. (Of less than
  // four bytes that may be a value.)
  void ensure_written(const void* address, std::size_t bytes, const place& where, const char* operation);
  object& note_write(const void* address, const char* what, const place& where, const char* operation);
  void ensure_after_all(const object& o, const char* message, const char* operation, const place& where);
  void fail_in_use(const object& o, const char* message, const char* operation, const place& where);
  void fail_after_end(const char* what, const object& o, const place& where, const char* operation);
  // Of memory or an object whose end came before the use of it that fails: whether it came by chance. (Whatever the use's thread did
  // afterwards, if it were its last use: that comes after the end, too. So there is no read to be named that could order the two.)
  [[nodiscard]] std::string whether_ordered(const moment& end) const;
  void race_with_reads(const object& o, const char* what, const place& where, const char* operation);
  void race(const moment& other, const place& there, const char* done, const char* doing, const place& where,
            const char* operation);
  // The steps that come again go behind all others, which they may: nothing of those others depends on them. The number of the first.
  std::size_t last_round_to_the_end();
  void note(violation_kind kind, std::string message, std::size_t again_from = ~std::size_t{0});

  static constexpr unsigned none = ~0U;

  explorer explorer_;
  const replay_settings settings_;
  const bool records_;
  setup setup_;
  unsigned setup_region_ = none;  // of what is being set up
  unsigned threads_before_ = 0;  // known when the run began
  bool made_before_all_ = false;  // in this run
  bool begin_again_ = false;
  object_table objects_;
  arena arena_;
  struct alignas(16) function_room {
    std::byte bytes[64];
  };
  function_room functions_[max_threads];
  unsigned functions_used_ = 0;  // in this run
  buffer<std::uint32_t> locations_of_[max_threads];  // of each thread's atomics, in the order of their begins
  std::uint32_t begun_[max_threads] = {};
  std::map<std::pair<const void*, std::uint32_t>, std::uint32_t> foreign_;  // by address, and how often it was given
  std::map<std::pair<std::size_t, std::size_t>, std::uint32_t> freed_;  // by size and alignment
  std::uint32_t moments_ = none;  // the location of all moments
  place last_[max_threads];  // named by each thread
  history history_;
  std::size_t steps_taken_ = 0;
  std::map<std::string, std::string> observed_;
  std::optional<violation> failure_;
  bool failed_in_trial_ = false;
};

}  // namespace pawl::inline v0::model::detail

#include "execution/allocating.hpp"
#include "execution/checking.hpp"
#include "execution/recording.hpp"
