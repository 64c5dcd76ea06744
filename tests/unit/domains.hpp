// SPDX-License-Identifier: BSL-1.0
// What the domains of hazard pointers and of epochs promise alike. A Kind names the domain, the base of what is retired to it, and a
// `reader`, which protects what it reads until it ends.
#pragma once

#if defined(__linux__)
#include <sys/wait.h>
#include <unistd.h>
#endif

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <memory_resource>
#include <new>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include <pawl/hazard_pointer.hpp>
#include <pawl/rcu.hpp>

#include "allocations.hpp"
#include "lists.hpp"
#include "verify.hpp"

namespace domains {

struct hazards {
  template <class T, class D = std::default_delete<T>>
  using base = pawl::hazard_pointer_obj_base<T, D>;
  template <class B = pawl::native, class A = std::allocator<std::byte>>
  using domain = pawl::hazard_pointers<B, A>;
  template <class Domain>
  class reader {
   public:
    explicit reader(Domain& domain) : guard_(pawl::make_hazard_pointer(domain)) {}
    template <class Source>
    auto* read(const Source& source) {
      return guard_.protect(source);
    }

   private:
    pawl::basic_hazard_pointer<typename Domain::backend_type> guard_;
  };
};

struct epochs {
  template <class T, class D = std::default_delete<T>>
  using base = pawl::rcu_obj_base<T, D>;
  template <class B = pawl::native, class A = std::allocator<std::byte>>
  using domain = pawl::epochs<B, A>;
  template <class Domain>
  class reader {
   public:
    explicit reader(Domain& domain) : domain_(domain) { domain_.lock(); }
    reader(const reader&) = delete;
    reader& operator=(const reader&) = delete;
    ~reader() { domain_.unlock(); }
    template <class Source>
    auto* read(const Source& source) {
      return source.load(std::memory_order_acquire);
    }

   private:
    Domain& domain_;
  };
};

/// Notices when it is read after its end.
template <class Kind>
struct object : Kind::template base<object<Kind>> {
  static inline std::atomic<int> alive{0};
  static constexpr std::uint64_t living = 0x600d600d600d600d;
  std::uint64_t life = living;
  int value;
  explicit object(int v = 0) : value(v) { ++alive; }
  object(const object&) = delete;
  object& operator=(const object&) = delete;
  ~object() {
    // volatile: or else the compiler drops what nobody may read
    *const_cast<volatile std::uint64_t*>(&life) = 0;
    --alive;
  }
  [[nodiscard]] bool lives() const { return *const_cast<const volatile std::uint64_t*>(&life) == living; }
};

template <class Kind, class Domain>
void retire_some(Domain& domain, int count) {
  for (int i = 0; i < count; ++i) (new object<Kind>)->retire({}, domain);
}

/// Runs on a thread of its own, to its end.
template <class F>
void on_a_thread(F f) {
  std::thread(std::move(f)).join();
}

// ---- Deleters ------------------------------------------------------------------------------------------------------------------

template <class Kind>
struct noted;
template <class Kind>
struct noting_deleter {
  std::vector<int>* notes = nullptr;
  std::unique_ptr<int> owned;  // deleters may be such that can only be moved
  void operator()(noted<Kind>* p) const {
    notes->push_back(p->value + (owned ? *owned : 0));
    delete p;
  }
};
template <class Kind>
struct noted : Kind::template base<noted<Kind>, noting_deleter<Kind>> {
  int value;
  explicit noted(int v) : value(v) {}
};

template <class Kind>
struct unmanaged;
template <class Kind>
struct no_delete {
  void operator()(unmanaged<Kind>* p) const noexcept { ++p->deleted; }
};
template <class Kind>
struct unmanaged : Kind::template base<unmanaged<Kind>, no_delete<Kind>> {
  int deleted = 0;
};

template <class Kind>
void retire_runs_the_deleter_that_it_was_given_once() {
  std::vector<int> notes;
  {
    typename Kind::template domain<> domain;
    (new noted<Kind>(40))->retire({&notes, std::make_unique<int>(2)}, domain);
    verify(notes.empty());
    domain.reclaim();
    verify(notes == std::vector<int>{42});
    domain.reclaim();
    verify(notes.size() == 1);
    (new noted<Kind>(7))->retire({&notes, nullptr}, domain);
  }
  verify(notes == std::vector<int>{42, 7});

  unmanaged<Kind> local;
  local.retire();
  Kind::template domain<>::default_domain().reclaim();
  verify(local.deleted == 1);
}

struct front {
  virtual ~front() = default;
  std::array<char, 40> space{};
};
template <class Kind>
struct behind : front, Kind::template base<behind<Kind>> {
  static inline int alive = 0;
  behind() { ++alive; }
  behind(const behind&) = delete;
  behind& operator=(const behind&) = delete;
  ~behind() override { --alive; }
};

template <class Kind>
void the_base_may_stand_elsewhere_than_the_object() {
  typename Kind::template domain<> domain;
  pawl::atomic<behind<Kind>*> source(new behind<Kind>);
  {
    typename Kind::template reader<typename Kind::template domain<>> reader(domain);
    reader.read(source)->retire({}, domain);
    domain.reclaim();
    verify(behind<Kind>::alive == 1);
  }
  domain.reclaim();
  verify(behind<Kind>::alive == 0);
}

/// A list that frees itself from its head: each deleter retires the next.
template <class Kind>
struct link : Kind::template base<link<Kind>> {
  using domain_type = typename Kind::template domain<>;
  static inline int alive = 0;
  domain_type& domain;
  link* next;
  link(domain_type& d, link* its_next) : domain(d), next(its_next) { ++alive; }
  link(const link&) = delete;
  link& operator=(const link&) = delete;
  ~link() {
    --alive;
    if (next != nullptr) next->retire({}, domain);
  }
  static link* chain(domain_type& domain, int length) {
    link* first = nullptr;
    for (int i = 0; i < length; ++i) first = new link(domain, first);
    return first;
  }
};

template <class Kind>
struct reclaiming : Kind::template base<reclaiming<Kind>> {
  using domain_type = typename Kind::template domain<>;
  domain_type& domain;
  int& ended;
  reclaiming(domain_type& its_domain, int& its_end) : domain(its_domain), ended(its_end) {}
  reclaiming(const reclaiming&) = delete;
  reclaiming& operator=(const reclaiming&) = delete;
  ~reclaiming() {
    domain.reclaim();
    typename Kind::template reader<domain_type> reader(domain);
    ++ended;
  }
};

template <class Kind>
void a_deleter_may_retire_more_and_reclaim() {
  using each = link<Kind>;
  each::alive = 0;
  {
    typename Kind::template domain<> domain;
    each::chain(domain, 10000)->retire({}, domain);
    domain.reclaim();
    verify(each::alive == 0);  // reclaim frees what can be freed, also what the deleters retired
    verify(domain.stats().retired == 10000);
    verify(domain.stats().reclaimed == 10000);
    each::chain(domain, 5000)->retire({}, domain);  // for the destructor
  }
  verify(each::alive == 0);

  int ended = 0;
  typename Kind::template domain<> domain;
  for (int i = 0; i < 10; ++i) (new reclaiming<Kind>(domain, ended))->retire({}, domain);
  domain.reclaim();
  verify(ended == 10);
}

#if defined(__linux__)
template <class Kind>
struct failing_end : Kind::template base<failing_end<Kind>> {
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

template <class Kind>
void an_exception_that_leaves_a_deleter_ends_the_program() {
  typename Kind::template domain<> domain;
  (new failing_end<Kind>)->retire({}, domain);
  domain.reclaim();
  verify(domain.stats().reclaimed == 1);
  const pid_t child = fork();
  if (child == 0) {
    std::set_terminate([] { _exit(42); });
    auto* const last = new failing_end<Kind>;
    last->catches = false;
    last->retire({}, domain);
    domain.reclaim();
    _exit(0);
  }
  int status = 0;
  verify(waitpid(child, &status, 0) == child);
  verify(WIFEXITED(status) && WEXITSTATUS(status) == 42);
}
#endif

// ---- Threads and domains -------------------------------------------------------------------------------------------------------

template <class Kind>
void what_a_thread_retired_is_freed_after_its_end_by_others() {
  typename Kind::template domain<> domain;
  const int before = object<Kind>::alive;
  for (int i = 0; i < 20; ++i) on_a_thread([&] { retire_some<Kind>(domain, 5); });
  verify(domain.stats().records == 1);
  verify(domain.stats().retired == 100);
  domain.reclaim();
  verify(object<Kind>::alive == before);
  verify(domain.stats().reclaimed == 100);
  verify(domain.stats().records <= 2);
}

template <class Kind>
void the_end_of_a_domain_frees_all_that_was_retired_to_it() {
  const int before = object<Kind>::alive;
  {
    typename Kind::template domain<> domain;
    retire_some<Kind>(domain, 100);
    on_a_thread([&] { retire_some<Kind>(domain, 100); });
  }
  verify(object<Kind>::alive == before);
}

template <class Kind>
void domains_are_apart() {
  using domain_type = typename Kind::template domain<>;
  domain_type a;
  domain_type b;
  const int before = object<Kind>::alive;
  pawl::atomic<object<Kind>*> source(new object<Kind>);
  typename Kind::template reader<domain_type> reader(a);
  reader.read(source)->retire({}, b);
  b.reclaim();
  verify(object<Kind>::alive == before);
}

template <class Kind>
void readers_never_see_an_object_after_its_end() {
  using domain_type = typename Kind::template domain<>;
  domain_type domain;
  pawl::atomic<object<Kind>*> source(new object<Kind>(0));
  std::atomic<bool> stop{false};
  std::atomic<long> wrong{0};
  std::atomic<long> reads{0};
  std::thread thread([&] {
    while (!stop) {
      typename Kind::template reader<domain_type> reader(domain);
      const object<Kind>* const seen = reader.read(source);
      if (reads % 1024 == 0) std::this_thread::sleep_for(std::chrono::microseconds(1));  // time enough to free it
      if (!seen->lives()) ++wrong;
      ++reads;
    }
  });
  while (reads == 0) std::this_thread::yield();
  for (int i = 0; i < 20000; ++i) {
    source.exchange(new object<Kind>(i))->retire({}, domain);
    if (i % 16 == 0) domain.reclaim();
  }
  stop = true;
  thread.join();
  source.load()->retire({}, domain);
  verify(wrong == 0);
}

template <class Kind>
void retire_and_read_work_while_thread_locals_end() {
  using domain_type = typename Kind::template domain<>;
  static domain_type& domain = *new domain_type;
  static pawl::atomic<object<Kind>*> source{nullptr};
  static std::atomic<bool> right{false};
  const int before = object<Kind>::alive;
  source.store(new object<Kind>(1));
  struct late {
    bool used = false;
    late() = default;
    late(const late&) = delete;
    late& operator=(const late&) = delete;
    ~late() {
      if (!used) return;
      typename Kind::template reader<domain_type> reader(domain);
      object<Kind>* const seen = reader.read(source);
      seen->retire({}, domain);
      right = seen->lives() && seen->value == 1;
    }
  };
  on_a_thread([] {
    static thread_local late user;
    user.used = true;
    retire_some<Kind>(domain, 1);
  });
  verify(right);
  domain.reclaim();
  verify(object<Kind>::alive == before);
  delete &domain;
}

/// use(domain) makes the domain allocate; before and after it, all the same.
template <class Kind, class Use>
void a_domain_takes_an_allocator_and_all_its_memory_goes_back(Use use) {
  long live = 0;
  {
    typename Kind::template domain<pawl::native, lists::counting_allocator<std::byte>> domain{
        lists::counting_allocator<std::byte>(live)};
    use(domain);
    verify(live > 0);
    retire_some<Kind>(domain, 1);
  }
  verify(live == 0);
  {
    std::pmr::synchronized_pool_resource resource;
    typename Kind::template domain<pawl::native, std::pmr::polymorphic_allocator<std::byte>> domain{&resource};
    use(domain);
    retire_some<Kind>(domain, 1);
  }
}

}  // namespace domains
