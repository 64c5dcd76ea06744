// SPDX-License-Identifier: BSL-1.0
// What is wrong about an access: data races, objects and memory that are no more, or not yet, or never were written.
// A part of execution.hpp.
#pragma once

#include "../execution.hpp"

namespace pawl::inline v0::model::detail {

[[gnu::noinline]] inline void execution::read_plain(const void* address, std::size_t bytes, const place& given) {
  if (setting_up()) return;
  const place where = named(given);
  object& o = objects_.at(address);
  constexpr const char* operation = "plain read";
  check_memory(o, address, where, operation);
  if (o.what == object::life::none) ensure_written(address, bytes, where, operation);
  const unsigned t = explorer_.running();
  if (o.what == object::life::ended) fail_after_end("an object is read", o, where, operation);
  if (!o.written.happens_before(explorer_.state().threads[t].now, t))
    race(o.written, o.where_written, "written", "read", where, operation);
  o.used.time[t] = moment_of(t).time;
  o.where_used[t] = where;
  if (o.what == object::life::none) o.what = object::life::plain;
  if (takes_step()) [[unlikely]]
    record_read(address, bytes, where);
}

[[gnu::noinline]] inline void execution::write_plain(const void* address, std::size_t bytes, const void* value,
                                                     const place& given) {
  if (setting_up()) return;
  const place where = named(given);
  note_write(address, "written", where, "plain write");
  if (takes_step()) [[unlikely]]
    record_write(address, bytes, value, where);
  explorer_.act();
}

inline void execution::check_memory(const object& o, const void* address, const place& where, const char* operation) {
  if (o.what == object::life::atomic || o.what == object::life::plain) return;
  check_not_null(address, where);
  const block* const home = arena_.find(address);
  if (home == nullptr) return;
  if (home->freed) [[unlikely]] {
    const auto text = [this, home] {
      return "memory is used after it was freed (" + text_of(home->where_freed) + ")" + whether_ordered(home->freed_at);
    };
    fail(violation_kind::use_after_free, text, where, operation);
  }
  if (o.what == object::life::none) check_allocated(*home, where, operation);
}

inline void execution::check_allocated(const block& home, const place& where, const char* operation) {
  const unsigned t = explorer_.running();
  if (home.allocated.happens_before(explorer_.state().threads[t].now, t)) [[likely]]
    return;
  const auto text = [&] {
    return "memory is used, and its allocation (" + text_of(home.where_allocated) + ") does not happen before";
  };
  fail(violation_kind::data_race, text, where, operation, &home.allocated);
}

[[gnu::noinline]] inline std::uint32_t execution::meet_atomic(const void* address, std::size_t bytes, const place& where,
                                                              const char* operation) {
  ensure_of_one_size(address, bytes, where);
  object& o = objects_.at(address);
  if (o.what != object::life::atomic) {
    check_not_null(address, where);
    if (failed()) return 0;  // nothing is there that could be read
    // It was there before the check, or is referred to by an atomic_ref, or was never begun.
    check_memory(o, address, where, operation);
    const block* const home = arena_.find(address);
    if (o.what == object::life::ended) fail_after_end("an atomic is accessed", o, where, operation);
    if (o.what != object::life::none && home != nullptr) check_allocated(*home, where, operation);
    ensure_written(address, bytes, where, operation);
    o.location = list_of(foreign_, {address, home == nullptr ? 0 : home->lives}, location::purpose::object);
    o.what = object::life::atomic;
    o.bytes = static_cast<std::uint8_t>(bytes);
    uint128 value = 0;
    std::memcpy(&value, address, bytes);
    explorer_.state().at(o.location).initial_value = value;
  }
  const unsigned t = explorer_.running();
  if (!o.written.happens_before(explorer_.state().threads[t].now, t)) {
    const auto text = [&] {
      return "an atomic is accessed, and its initialization by thread " + std::to_string(o.written.thread) + " (" +
             text_of(o.where_written) + ") does not happen before";
    };
    fail(violation_kind::data_race, text, where, operation, &o.written);
  }
  o.used.time[t] = moment_of(t).time;
  o.where_used[t] = where;
  return o.location;
}

inline void execution::ensure_of_one_size(const void* address, std::size_t bytes, const place& where) {
  const auto refuse = [&](const object& other) {
    if (other.what != object::life::atomic || (other.address == address && other.bytes == bytes)) return;
    const auto text = [&] {
      return "an atomic access of " + std::to_string(bytes) + " bytes, to memory that is an atomic of " +
             std::to_string(unsigned{other.bytes}) + ": what that does is not known";
    };
    fail(violation_kind::requirement, text, where, "atomic access");
  };
  objects_.for_each_in(address, bytes, refuse);
  for (std::size_t before = 1; before < sizeof(uint128); ++before) {
    const object* const other = objects_.known_at(static_cast<const std::byte*>(address) - before);
    if (other != nullptr && other->bytes > before) refuse(*other);
  }
}

inline void execution::ensure_written(const void* address, std::size_t bytes, const place& where, const char* operation) {
  if (bytes < 4 || arena_.find(address) == nullptr) return;
  const auto* const content = static_cast<const unsigned char*>(address);
  for (std::size_t i = 0; i < bytes; ++i) {
    if (content[i] != arena::garbage) return;
  }
  fail(violation_kind::uninitialized_read, "memory is read that was never written", where, operation);
}

inline object& execution::note_write(const void* address, const char* what, const place& where, const char* operation) {
  object& o = objects_.at(address);
  const unsigned t = explorer_.running();
  const clock& now = explorer_.state().threads[t].now;
  check_memory(o, address, where, operation);
  if (o.what == object::life::atomic || o.what == object::life::plain) {
    if (!o.written.happens_before(now, t)) [[unlikely]]
      race(o.written, o.where_written, "written", what, where, operation);
    if (!now.has_all(o.used, t)) [[unlikely]]
      race_with_reads(o, what, where, operation);
  }
  o.what = object::life::plain;
  o.used = clock{};
  o.written = moment_of(t);
  o.where_written = where;
  return o;
}

inline void execution::ensure_after_all(const object& o, const char* message, const char* operation, const place& where) {
  const unsigned t = explorer_.running();
  const clock& now = explorer_.state().threads[t].now;
  if (now.has_all(o.used, t) && o.written.happens_before(now, t)) [[likely]]
    return;
  fail_in_use(o, message, operation, where);
}

[[gnu::noinline, gnu::cold]] inline void execution::fail_in_use(const object& o, const char* message, const char* operation,
                                                                const place& where) {
  const unsigned t = explorer_.running();
  const clock& now = explorer_.state().threads[t].now;
  const auto used_by = [&](const moment& when, const place& there) {
    const auto text = [&] {
      return std::string(message) + " by thread " + std::to_string(when.thread) + " (" + text_of(there) + ")";
    };
    fail(violation_kind::use_after_free, text, where, operation, &when);
  };
  for (unsigned u = 0; u < max_threads; ++u) {
    if (u != t && !now.has(u, o.used.time[u])) used_by({o.used.time[u], static_cast<std::uint8_t>(u)}, o.where_used[u]);
  }
  if (!o.written.happens_before(now, t)) used_by(o.written, o.where_written);
}

[[gnu::noinline, gnu::cold]] inline void execution::fail_after_end(const char* what, const object& o, const place& where,
                                                                   const char* operation) {
  const auto text = [&] {
    return std::string(what) + " after its end (" + text_of(o.where_written) + ")" + whether_ordered(o.written);
  };
  fail(violation_kind::use_after_free, text, where, operation);
}

inline std::string execution::whether_ordered(const moment& end) const {
  const unsigned t = explorer_.running();
  if (end.happens_before(explorer_.state().threads[t].now, t)) return "";
  return " by thread " + std::to_string(end.thread) +
         ", and neither happens before the other: that thread has read nothing which thread " + std::to_string(t) +
         " stores after this, so no stronger order could help";
}

[[gnu::noinline, gnu::cold]] inline void execution::race_with_reads(const object& o, const char* what, const place& where,
                                                                    const char* operation) {
  const unsigned t = explorer_.running();
  for (unsigned u = 0; u < max_threads; ++u) {
    if (u != t && !explorer_.state().threads[t].now.has(u, o.used.time[u]))
      race({o.used.time[u], static_cast<std::uint8_t>(u)}, o.where_used[u], "read", what, where, operation);
  }
}

[[gnu::noinline, gnu::cold]] inline void execution::race(const moment& other, const place& there, const char* done,
                                                         const char* doing, const place& where, const char* operation) {
  const auto text = [&] {
    return std::string("plain data is ") + doing + " by thread " + std::to_string(explorer_.running()) + " and " + done +
           " by thread " + std::to_string(other.thread) + " (" + text_of(there) + "), and neither happens before the other";
  };
  fail(violation_kind::data_race, text, where, operation, &other);
}

}  // namespace pawl::inline v0::model::detail
