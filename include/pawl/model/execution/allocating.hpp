// SPDX-License-Identifier: BSL-1.0
// The memory of the checked program: where it comes from, and what becomes of what was in it.
// A part of execution.hpp.
#pragma once

#include "../execution.hpp"

namespace pawl::inline v0::model::detail {

[[gnu::noinline]] inline void* execution::allocate(std::size_t bytes, std::size_t alignment, bool counts, const place& given) {
  if (!setting_up()) explorer_.act();
  const place where = named(given);
  if (settings_.reuse && counts && !setting_up()) {
    const uint128 again = explorer_.take_freed(list_of(freed_, {bytes, alignment}, location::purpose::free_list));
    if (again != 0) return renewed(reinterpret_cast<void*>(static_cast<std::uintptr_t>(again)), where);
  }
  block* const fresh = arena_.allocate(setting_up() ? arena::first_setup + setup_region_ : explorer_.running(), bytes, alignment);
  if (fresh == nullptr) return nullptr;
  fresh->counts = counts && !setting_up();
  fresh->where_allocated = where;
  if (!setting_up()) fresh->allocated = moment_of(explorer_.running());
  if (fresh->counts && shows()) [[unlikely]]
    record_memory("allocation", *fresh, where, settings_.reuse ? explorer_.arrivals().back() : initial);
  return fresh->begin;
}

[[gnu::noinline]] inline void execution::deallocate(void* memory, const place& given) {
  if (!setting_up()) explorer_.act();
  const place where = named(given);
  constexpr const char* operation = "free";
  block* const old = arena_.find(memory);
  if (old == nullptr || old->begin != memory)
    return fail(violation_kind::double_free, "memory is freed that was never allocated", where, operation);
  if (old->freed) {
    return fail(
        violation_kind::double_free, [&] { return "memory is freed a second time; first " + text_of(old->where_freed); }, where,
        operation);
  }
  objects_.for_each_in(old->begin, old->bytes == 0 ? 1 : old->bytes, [&](object& o) {
    if (!setting_up() && o.what != object::life::ended) ensure_after_all(o, "memory is freed while it is used", operation, where);
    o.what = object::life::ended;
  });
  old->freed = true;
  old->where_freed = where;
  if (setting_up()) return;
  old->freed_at = moment_of(explorer_.running());
  const bool may_come_back = settings_.reuse && old->counts;
  if (may_come_back) {
    explorer_.give_freed(list_of(freed_, {old->bytes, old->alignment}, location::purpose::free_list),
                         static_cast<uint128>(reinterpret_cast<std::uintptr_t>(old->begin)));
  }
  if (takes_step()) [[unlikely]]
    record_memory(operation, *old, where, may_come_back ? explorer_.arrivals().back() : initial);
}

inline void* execution::renewed(void* memory, const place& where) {
  block& old = *arena_.find(memory);
  objects_.for_each_in(old.begin, old.bytes == 0 ? 1 : old.bytes, [](object& o) { o.renew(); });
  arena::renew(old);
  old.where_allocated = where;
  old.allocated = moment_of(explorer_.running());
  if (takes_step()) [[unlikely]]
    record_memory("allocation", old, where, explorer_.arrivals().back());
  return memory;
}

}  // namespace pawl::inline v0::model::detail
