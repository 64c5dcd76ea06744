// SPDX-License-Identifier: BSL-1.0
// What no run can show (see recorder.hpp): that the headers have no objects, no memory, no atomics and no fences but those that come through
// a seam. It is read in their text, in that of every header that isn't the implementation of one.
#include "catch.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <pawl/tagged_pool.hpp>

#include "header_text.hpp"
#include "recorder.hpp"

namespace {

using header_text::code_of;
using header_text::excuse;
using header_text::finding;

// Where the headers are that this program was compiled with, or those that a test of this test names.
std::string directory() {
  if (const char* const named = std::getenv("PAWL_SEAM_HEADERS")) return named;
  rec::world w;
  {
    const rec::object<pawl::tagged_pool<rec::recorder>> pool("the pool");
  }
  for (const auto& [file, line] : w.places) {
    const std::string_view path = file;
    if (const auto end = path.find("/pawl/"); end != std::string_view::npos) return std::string(path.substr(0, end + 6));
  }
  return "";
}

struct exception {
  std::string_view header;  // or, with a slash at its end, all of a folder
  std::string_view reason;
};
const std::vector<exception>& exceptions() {
  static const std::vector<exception> all{
      // What a backend is made of.
      {"backend/", "backends execute the instructions"},
      {"detail/arm64_cas.hpp", "of backend::arm64"},
      {"detail/arm64_llsc.hpp", "of backend::arm64_llsc"},
      {"detail/arm64_lse.hpp", "of backend::arm64_lse"},
      {"detail/double_width.hpp", "of all CPU backends: 16 bytes"},
      {"detail/ptx.hpp", "of backend::cuda"},
      {"detail/ptx_backend.hpp", "of backend::cuda"},
      {"detail/riscv64_narrow.hpp", "of backend::riscv64"},
      {"detail/riscv64_words.hpp", "of backend::riscv64"},
      // What the host's environment is made of.
      {"detail/host_threads.hpp", "environment::per_thread"},
      {"detail/thread_table.hpp", "environment::per_thread"},
      {"detail/library_end.hpp", "environment::per_thread, where a library is unloaded"},
      {"detail/process_globals.hpp", "environment::global"},
      {"detail/membarrier.hpp", "environment::light_fence and its like"},
      {"detail/host_waiting.hpp", "environment::wait and its like"},
      {"detail/portable_sleep.hpp", "environment::wait, where the system has no futex"},
      {"detail/waiting_room.hpp", "environment::wait"},
      // Beside the floors.
      {"model/", "the model's environment and backend, and the explorer behind them"},
      {"model.hpp", "the model's face"},
      {"detail/cuda_warp.hpp", "instructions of a warp's threads among each other, which touch no memory"},
      {"detail/cuda_owner.hpp", "what the host allocates on a device, where a kernel of one thread makes the container"},
      {"detail/fail.hpp", "the one place that throws and catches"},
  };
  return all;
}

const std::vector<excuse>& excuses() {
  static const std::vector<excuse> all{
      // environment::allocate and deallocate of the host: the rest of the header is read.
      {"environment.hpp", "return ::operator new(bytes);"},
      {"environment.hpp", "return ::operator new(bytes, std::align_val_t{alignment});"},
      {"environment.hpp", "::operator delete(memory);"},
      {"environment.hpp", "::operator delete(memory, std::align_val_t{alignment});"},
      // hazard_pointer::protect and try_protect take std::atomic<T*>, too.
      {"hazard_pointer.hpp", "const std::atomic<T*>& src)"},
      // A thread that waits gives its processor away, which touches no memory.
      {"backoff.hpp", "std::this_thread::yield();"},
      {"spin_lock.hpp", "std::this_thread::yield();"},
      {"cuda/error.hpp", "std::runtime_error(std::string("},
      // The object of an atomic_ref as the word that it is to the backend; and the word as signed, or as a floating-point number, for it.
      {"atomic_ref.hpp", "object_(reinterpret_cast<word*>(std::addressof(object)))"},
      {"detail/atomic_value.hpp", "B::fetch_add_floating(reinterpret_cast<T&>(object), n, o)"},
      {"detail/atomic_value.hpp", "B::fetch_add_floating(reinterpret_cast<T&>(object), -n, o)"},
      {"detail/atomic_value.hpp", "B::store_add_floating(reinterpret_cast<T&>(object), n, o)"},
      {"detail/operations.hpp", "B::fetch_min(reinterpret_cast<V&>(object), operand, order)"},
      {"detail/operations.hpp", "B::fetch_max(reinterpret_cast<V&>(object), operand, order)"},
      {"detail/operations.hpp", "B::fetch_add_sat(reinterpret_cast<V&>(object), operand, order)"},
      {"detail/operations.hpp", "B::fetch_inc_below(reinterpret_cast<V&>(object), limit, order)"},
      {"detail/operations.hpp", "B::store_min(reinterpret_cast<V&>(object), operand, order)"},
      {"detail/operations.hpp", "B::store_max(reinterpret_cast<V&>(object), operand, order)"},
      // Values of the caller's: parameters and local variables.
      {"detail/atomic_value.hpp", "*reinterpret_cast<bits*>(std::addressof(expected)) = found;"},
      {"detail/atomic_value.hpp", "__builtin_memcpy(&word, std::addressof(value), sizeof(T));"},
      {"llsc.hpp", "__builtin_memcpy(&bits, &value, sizeof(T));"},
      {"llsc.hpp", "__builtin_memcpy(bytes, &seen, sizeof(T));"},
      {"detail/pool_node.hpp", "std::memcpy(copied, std::addressof(value), sizeof(T));"},
      {"detail/pool_node.hpp", "std::memcpy(&exact, words, sizeof(T));"},
      // Addresses that are stored and compared, and to what they lead.
      {"detail/hazard_domain.hpp", "static_cast<const void*>(l.pointer())"},
      {"hazard_pointer.hpp", "static_cast<const void*>(static_cast<T*>(this))"},
      {"detail/hazard_record.hpp", "reinterpret_cast<std::uintptr_t>(address)"},
      {"reclaimer.hpp", "bits_(reinterpret_cast<std::uintptr_t>(node))"},
      {"reclaimer.hpp", "return reinterpret_cast<Node*>(bits_ & ~std::uintptr_t{1});"},
      {"tagged.hpp", "reinterpret_cast<std::uintptr_t>(pointer)"},
      {"tagged.hpp", "return reinterpret_cast<T*>(static_cast<std::uintptr_t>(bits_"},
      {"detail/bucket_directory.hpp", "const_cast<Bucket*>(piece)"},
      // A pool's nodes, in the memory that it has: words and slots, which are atomics.
      {"detail/pool_blocks.hpp", "return reinterpret_cast<std::uintptr_t>(this) + first_offset_.load("},
      {"detail/pool_blocks.hpp", "return std::launder(reinterpret_cast<word*>(&at(i) + 1));"},
      {"detail/pool_blocks.hpp", "return *reinterpret_cast<slot*>(reinterpret_cast<std::uintptr_t>(this) + offset"},
      {"detail/pool_blocks.hpp", "reinterpret_cast<std::uintptr_t>(block) - reinterpret_cast<std::uintptr_t>(this)"},
      {"detail/pool_blocks.hpp", "auto* const words = reinterpret_cast<word*>(&made + 1);"},
      {"detail/pool_blocks.hpp", "auto* const words = reinterpret_cast<word*>(&ended + 1);"},
      {"tagged_pool.hpp", "return *reinterpret_cast<slot*>(bound_.first_base + twice"},
  };
  return all;
}

std::vector<std::string> headers_in(const std::string& folder) {
  std::vector<std::string> found;
  for (const auto& each : std::filesystem::recursive_directory_iterator(folder)) {
    if (each.path().extension() == ".hpp") found.push_back(each.path().lexically_relative(folder).generic_string());
  }
  std::sort(found.begin(), found.end());
  return found;
}
bool is_excepted(std::string_view header, std::string_view by) {
  return header == by || (by.ends_with('/') && header.starts_with(by));
}

}  // namespace

TEST_CASE("but for the seams' implementations, no header has static data, thread_local, new, throw, casts or atomics but pawl's") {
  const std::string folder = directory();
  INFO(folder);
  const std::vector<std::string> headers = headers_in(folder);
  REQUIRE(headers.size() > 60);
  for (const exception& each : exceptions()) {
    INFO(each.header << " is excepted");
    CHECK(std::any_of(headers.begin(), headers.end(),
                      [&each](const std::string& header) { return is_excepted(header, each.header); }));
  }
  for (const excuse& each : excuses()) {
    INFO(each.header << " may say " << each.text);
    CHECK(code_of(folder + std::string(each.header)).find(each.text) != std::string::npos);
  }
  for (const std::string& header : headers) {
    if (std::any_of(exceptions().begin(), exceptions().end(),
                    [&header](const exception& each) { return is_excepted(header, each.header); }))
      continue;
    const std::string code = code_of(folder + header);
    REQUIRE_FALSE(code.empty());
    for (const finding& each : header_text::all_findings(header, code, excuses())) {
      FAIL_CHECK(folder << header << ":" << each.line << ": " << each.what);
    }
  }
}
