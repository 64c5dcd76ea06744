// SPDX-License-Identifier: BSL-1.0
// Stackful fibers: the threads of a modelled execution, all of one real thread. A fiber is abandoned, not unwound, when its execution
// ends early, and started again from its function.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>

#include <sys/mman.h>
#include <unistd.h>

// By our own switch, or by the system's contexts: on machines for which there is none, and where a test wants it so.
#if defined(__x86_64__) && !defined(PAWL_MODEL_UCONTEXT)
#define PAWL_MODEL_OWN_SWITCH 1
#else
#define PAWL_MODEL_OWN_SWITCH 0
#endif

#if !PAWL_MODEL_OWN_SWITCH
#include <csetjmp>
#include <cstring>

#include <ucontext.h>
#endif

#include "../detail/config.hpp"
#include "clock.hpp"

#if PAWL_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

#if PAWL_MODEL_OWN_SWITCH
// pawl_model_switch(save, to): pushes what a function must preserve, leaves the stack pointer in *save and goes on from `to`, which
// such a call left, or which fiber::start laid out. Weak, since every translation unit that includes this has it.
asm(R"(
.text
.weak pawl_model_switch
.type pawl_model_switch, @function
pawl_model_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size pawl_model_switch, .-pawl_model_switch
.weak pawl_model_enter
.type pawl_model_enter, @function
pawl_model_enter:
  movq %r13, %rdi
  call *%r12
  ud2
.size pawl_model_enter, .-pawl_model_enter
.weak pawl_model_pause
.type pawl_model_pause, @function
pawl_model_pause:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  subq $8, %rsp
  movq $0, (%rsp)
  movq %rsp, %rdi
  call pawl_model_paused@PLT
  leaq -4096(%rsp), %rdi
  movl $512, %ecx
  xorl %eax, %eax
  rep stosq
  addq $8, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size pawl_model_pause, .-pawl_model_pause
)");
extern "C" void pawl_model_switch(void** save, void* to);
extern "C" void pawl_model_enter();
/// Calls pawl_model_paused with the address of the registers that a function preserves, which lie on the stack, under the caller's frame.
/// Clears the stack below, so that what the checker's own calls left there does not come to lie, as the value of an empty optional for
/// one, in the frames that are compared.
extern "C" void pawl_model_pause();
#else
extern "C" void pawl_model_paused(const void* frame);

namespace pawl::inline v0::model::detail {

/// The registers that a function preserves, on the stack of who has this: above it lies all that the thread is.
class registers_on_stack {
 public:
  registers_on_stack() noexcept { std::memset(&saved_, 0, sizeof saved_); }
  [[nodiscard]] std::jmp_buf& here() noexcept { return saved_; }

 private:
  std::jmp_buf saved_;
};

[[gnu::noinline]] inline void clear_stack_below() noexcept {
  std::byte used_before[4096];
  std::memset(used_before, 0, sizeof used_before);
  asm volatile("" : : "r"(&used_before[0]) : "memory");
}

}  // namespace pawl::inline v0::model::detail

/// As above, by setjmp, to which nobody returns.
[[gnu::noinline]] inline void pawl_model_pause() {
  pawl::model::detail::registers_on_stack registers;
  setjmp(registers.here());  // NOLINT(cert-err52-cpp): only to see the registers
  pawl_model_paused(registers.here());
  pawl::model::detail::clear_stack_below();
}
#endif

// What the C++ runtime keeps per thread about exceptions in flight; a fiber needs its own. (Itanium C++ ABI, 2.2.2.)
namespace __cxxabiv1 {  // NOLINT(bugprone-reserved-identifier)
struct __cxa_eh_globals;  // NOLINT(bugprone-reserved-identifier)
extern "C" __cxa_eh_globals* __cxa_get_globals() noexcept;  // NOLINT(bugprone-reserved-identifier,readability-identifier-naming)
}  // namespace __cxxabiv1

namespace pawl::inline v0::model::detail {

/// Stacks, each with a page below it that nobody may touch. A thread keeps those of its last check for the next: their first use costs a
/// small check more than all else.
class stacks {
 public:
  stacks() = default;
  stacks(const stacks&) = delete;
  stacks& operator=(const stacks&) = delete;
  static constexpr std::size_t bytes = std::size_t{256} << 10U;
  static std::size_t guard() noexcept {
    static const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    return page;
  }
  ~stacks() {
    while (count_ != 0) munmap(all_[--count_], bytes + guard());
  }
  /// The guard's first byte.
  std::byte* take() {
    if (count_ != 0) return all_[--count_];
    void* const mapped = mmap(nullptr, bytes + guard(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapped == MAP_FAILED) throw std::bad_alloc();
    mprotect(mapped, guard(), PROT_NONE);
    return static_cast<std::byte*>(mapped);
  }
  void give(std::byte* stack) noexcept {
    if (count_ < max_threads) {
      all_[count_++] = stack;
    } else {
      munmap(stack, bytes + guard());
    }
  }

 private:
  std::byte* all_[max_threads] = {};
  unsigned count_ = 0;
};
inline thread_local stacks spare_stacks;

class fiber {
 public:
  fiber() = default;
  fiber(const fiber&) = delete;
  fiber& operator=(const fiber&) = delete;
  ~fiber() {
    if (memory_ != nullptr) spare_stacks.give(memory_);
  }

  /// The next to go on with this calls function(argument), which must not return, and calls arrived() first.
  void start(void (*function)(void*), void* argument) {
    if (memory_ == nullptr) memory_ = spare_stacks.take();
    exceptions_ = {};
#if PAWL_ASAN
    ASAN_UNPOISON_MEMORY_REGION(memory_ + guard(), bytes);
    fake_stack_ = nullptr;
    bottom_ = memory_ + guard();
    bytes_ = bytes;
#endif
#if PAWL_MODEL_OWN_SWITCH
    auto* top = reinterpret_cast<std::uint64_t*>(memory_ + guard() + bytes);
    *--top = 0;  // keeps the stack aligned, and ends a debugger's walk
    *--top = 0;
    *--top = reinterpret_cast<std::uint64_t>(&pawl_model_enter);
    *--top = 0;  // rbp
    *--top = 0;  // rbx
    *--top = reinterpret_cast<std::uint64_t>(function);  // r12
    *--top = reinterpret_cast<std::uint64_t>(argument);  // r13
    *--top = 0;  // r14
    *--top = 0;  // r15
    stack_ = top;
#else
    suspended_at_ = top();
    getcontext(&own());
    own().uc_stack.ss_sp = memory_ + guard();
    own().uc_stack.ss_size = bytes;
    own().uc_link = nullptr;
    const auto f = reinterpret_cast<std::uintptr_t>(function);
    const auto a = reinterpret_cast<std::uintptr_t>(argument);
    makecontext(&own(), reinterpret_cast<void (*)()>(&enter), 4, static_cast<unsigned>(f >> 32U), static_cast<unsigned>(f),
                static_cast<unsigned>(a >> 32U), static_cast<unsigned>(a));
#endif
  }

  /// Where the C++ runtime keeps what the calling thread knows of exceptions in flight.
  static void* runtime() noexcept { return __cxxabiv1::__cxa_get_globals(); }
  /// Whether the caller is on a fiber that was started. (Of each real thread: others than the checker's are on none.)
  static bool on_one() noexcept { return on_one_; }
  /// On this fiber, or on a real thread, which one that was never started stands for: `next` goes on, until something goes on with this.
  void go_on_with(fiber& next, void* runtime_of_caller) {
    auto* const globals = static_cast<exceptions*>(runtime_of_caller);
    exceptions_ = *globals;
    *globals = next.exceptions_;
    on_one_ = next.memory_ != nullptr;
#if PAWL_ASAN
    next.from_ = this;
    __sanitizer_start_switch_fiber(&fake_stack_, next.bottom_, next.bytes_);
#endif
#if PAWL_MODEL_OWN_SWITCH
    pawl_model_switch(&stack_, next.stack_);
#else
    registers_on_stack registers;
    setjmp(registers.here());  // NOLINT(cert-err52-cpp): only to see the registers
    suspended_at_ = reinterpret_cast<const std::byte*>(registers.here());
    swapcontext(&own(), &next.own());
#endif
    arrived();
  }
  /// One past the stack's highest byte.
  [[nodiscard]] const std::byte* top() const noexcept { return memory_ + guard() + bytes; }
  /// Whether an address is one of the stack.
  [[nodiscard]] bool holds(const void* address) const noexcept {
    const auto distance = reinterpret_cast<std::uintptr_t>(top()) - reinterpret_cast<std::uintptr_t>(address);
    return memory_ != nullptr && distance != 0 && distance <= bytes;
  }
  /// Of one that another went on with: its registers, and above them all of its stack that is in use.
  [[nodiscard]] const std::byte* suspended_at() const noexcept {
#if PAWL_MODEL_OWN_SWITCH
    return static_cast<const std::byte*>(stack_);
#else
    return suspended_at_;
#endif
  }
  /// On the fiber, first of all.
  void arrived() {
#if PAWL_ASAN
    // (Of a real thread this is how one learns where its stack is.)
    __sanitizer_finish_switch_fiber(fake_stack_, &from_->bottom_, &from_->bytes_);
#endif
  }

 private:
  static constexpr std::size_t bytes = stacks::bytes;
  static std::size_t guard() noexcept { return stacks::guard(); }
  struct exceptions {
    void* caught = nullptr;
    unsigned uncaught = 0;
  };

  static inline constinit thread_local bool on_one_ = false;

  std::byte* memory_ = nullptr;
  exceptions exceptions_;
#if PAWL_MODEL_OWN_SWITCH
  void* stack_ = nullptr;
#else
  static void enter(unsigned f1, unsigned f0, unsigned a1, unsigned a0) {
    reinterpret_cast<void (*)(void*)>((std::uintptr_t{f1} << 32U) | f0)(reinterpret_cast<void*>((std::uintptr_t{a1} << 32U) | a0));
  }
  // As bytes: RISC-V's ends in an array of no size, and such a type is no member in standard C++.
  ucontext_t& own() noexcept { return *reinterpret_cast<ucontext_t*>(own_); }
  alignas(ucontext_t) std::byte own_[sizeof(ucontext_t)];
  const std::byte* suspended_at_ = nullptr;
#endif
#if PAWL_ASAN
  fiber* from_ = nullptr;
  void* fake_stack_ = nullptr;
  const void* bottom_ = nullptr;
  std::size_t bytes_ = 0;
#endif
};

}  // namespace pawl::inline v0::model::detail
