// SPDX-License-Identifier: BSL-1.0
// A null link that the checked program follows, as a violation and not as the end of the process. An access through pawl's types is looked
// at before it is made (execution::check_not_null). One to a plain field is a SIGSEGV: while a check runs, a handler has the thread go on in
// the checker instead, on its own stack, and the execution is given up there as any other.
//
// Only faults of who runs on a fiber, at an address of the first page or at one that is none: everything else may be the checker's own, or
// a stack that is full, and goes to whom it went before the check. Under AddressSanitizer that is everything.
#pragma once

#include <cstddef>
#include <cstdint>

#include "execution.hpp"

#if defined(__linux__) && (defined(__x86_64__) || defined(__aarch64__)) && !PAWL_ASAN && !PAWL_TSAN
#define PAWL_MODEL_FAULTS 1
#include <csignal>
#include <cstdlib>

#include <ucontext.h>
#else
#define PAWL_MODEL_FAULTS 0
#endif

namespace pawl::inline v0::model::detail {

#if PAWL_MODEL_FAULTS

/// Handles SIGSEGV for as long as it lives.
class fault_handler {
 public:
  fault_handler() {
    stack_t present{};
    // A full stack is no place for a handler: so it has one of its own, if the thread has none already.
    if (sigaltstack(nullptr, &present) == 0 && (present.ss_flags & SS_DISABLE) != 0) {
      own_stack_ = std::malloc(stack_bytes);
      stack_t own{};
      own.ss_sp = own_stack_;
      own.ss_size = stack_bytes;
      if (own_stack_ != nullptr) sigaltstack(&own, nullptr);
    }
    struct sigaction mine{};
    mine.sa_sigaction = &handle;
    mine.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigemptyset(&mine.sa_mask);
    sigaction(SIGSEGV, &mine, &earlier_);
  }
  fault_handler(const fault_handler&) = delete;
  fault_handler& operator=(const fault_handler&) = delete;
  ~fault_handler() {
    sigaction(SIGSEGV, &earlier_, nullptr);
    if (own_stack_ == nullptr) return;
    stack_t none{};
    none.ss_flags = SS_DISABLE;
    sigaltstack(&none, nullptr);
    std::free(own_stack_);
  }

 private:
  static constexpr std::size_t stack_bytes = std::size_t{64} << 10U;

  static void handle(int signal, siginfo_t* what, void* context) {
    const auto address = reinterpret_cast<std::uintptr_t>(what->si_addr);
    // (Of an address that the processor has no room for, the system doesn't tell which it was.)
    const bool no_address = what->si_code == SI_KERNEL;
    if (fiber::on_one() && active != nullptr && (no_address || (what->si_code == SEGV_MAPERR && address < execution::null_page)))
      return go_on_in(*static_cast<ucontext_t*>(context), no_address ? execution::null_page : address);
    if ((earlier_.sa_flags & SA_SIGINFO) != 0) return earlier_.sa_sigaction(signal, what, context);
    if (earlier_.sa_handler != SIG_DFL && earlier_.sa_handler != SIG_IGN) return earlier_.sa_handler(signal);
    sigaction(signal, &earlier_, nullptr);  // the access comes again, and ends the process
  }
  // When the handler has returned, the thread is in faulted(address), called from where it was.
  static void go_on_in(ucontext_t& thread, std::uintptr_t address) {
    constexpr std::uintptr_t below = 256;  // what a function may use without having made room for it
#if defined(__x86_64__)
    greg_t* const registers = thread.uc_mcontext.gregs;
    const std::uintptr_t aligned = (static_cast<std::uintptr_t>(registers[REG_RSP]) - below) & ~std::uintptr_t{15};
    registers[REG_RSP] = static_cast<greg_t>(aligned - 8);  // as a call leaves it
    registers[REG_RDI] = static_cast<greg_t>(address);
    registers[REG_RIP] = static_cast<greg_t>(reinterpret_cast<std::uintptr_t>(&faulted));
    registers[REG_EFL] &= ~greg_t{0x400};  // strings are walked upwards
#else
    mcontext_t& registers = thread.uc_mcontext;
    registers.sp = (registers.sp - below) & ~std::uintptr_t{15};
    registers.regs[0] = address;
    registers.pc = reinterpret_cast<std::uintptr_t>(&faulted);
#endif
  }
  [[noreturn]] static void faulted(std::uintptr_t address) {
    active->followed_null(address, {});
    active->stop_if_failed();
    active->steps().stop(explorer::outcome::stopped);
  }

  static inline struct sigaction earlier_{};

  void* own_stack_ = nullptr;
};

#else

class fault_handler {
 public:
  fault_handler() noexcept {}  // NOLINT(modernize-use-equals-default): so that one that is not used is no mistake
  fault_handler(const fault_handler&) = delete;
  fault_handler& operator=(const fault_handler&) = delete;
  ~fault_handler() = default;
};

#endif

}  // namespace pawl::inline v0::model::detail
