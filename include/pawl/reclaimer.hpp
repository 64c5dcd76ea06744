// SPDX-License-Identifier: BSL-1.0
// What a reclaimer is: the owner of nodes. It makes them, keeps alive (or at least mapped) what a thread reads through, and takes them
// back once they are unlinked.
#pragma once

#include <concepts>
#include <cstddef>
#include <type_traits>

#include "atomic.hpp"

PAWL_HOST_DEVICE_BEGIN

namespace pawl::inline v0 {

namespace detail {

// A concept of its own: nvcc 13 breaks on a requires-expression whose parameters depend on those of the one around it.
template <class Op, class R, class Link = typename R::template link<int>>
concept is_operation_of = requires(Op& op, Link l, const atomic<Link, typename R::backend_type>& source) {
  { op.protect(0U, source) } noexcept -> std::same_as<Link>;
  { op.get(l) } noexcept -> std::same_as<typename R::template node<int>*>;
  { op.retire(l) } noexcept;
  { op.discard(l) } noexcept;
  { op.discard_spare(l) } noexcept;
  { op.create() } -> std::same_as<Link>;
  { op.create_spare() } -> std::same_as<Link>;
  { l.terminator() } noexcept -> std::same_as<Link>;
  { l.same_node(l) } noexcept -> std::same_as<bool>;
  { l.marked() } noexcept -> std::same_as<bool>;
  { l.with_mark(true) } noexcept -> std::same_as<Link>;
};

}  // namespace detail

/// The parts that containers are written on; T is the element.
///
/// - `R::template link<T>`: names a node or none. Trivially copyable, with a mark bit to spare. Where nodes are reused while they may be
///   read, it names one life of a node. `l.terminator()` is what l's node holds as `next` while it is the last: it names no node, and
///   then is of that life, too, so that a compare-and-swap on it is of the node that is meant.
/// - `R::template node<T>`: `next`, an atomic link, `value`, which begins without a T, and `below()`, the link of containers that follow
///   none before the node is theirs: `next`, or another word. Where nodes keep what is read alive, a node
///   begins with an `R::template item<T>`: `next` and, where T declares `item_key`, a `key` of that type. A container may put items of
///   its own into a list; `op.item_of(l)` is what a link names, `op.get(l)` the node, where it is one.
/// - `R::reads_may_tear`: a node may be reused while it is read; its value is copied as atomic words and validated before use. A
///   stalled reader may then follow the `next` of a later life: so what names a node is stored there with release, by a thread that made
///   that node or acquired the link to it. Without that, the reader could look at a node before it was constructed.
/// - `auto binding = r.template bind<T>()`, `r.unbind()`: a container begins and ends. bind may refuse T by an exception. The container
///   keeps the binding, what r wants to have at hand in each operation.
/// - `auto op = r.template enter<T, N>(binding)`: one operation that protects N nodes at once; may throw std::bad_alloc, before any
///   effect. `r.template enter_last<T>(binding)`: one that only discards, for destructors; doesn't fail.
/// - `op.protect(i, atomic_link)`: loads a link and protects its node as number i, until the next protect(i) or the end of op.
///   `op.announce(i, l)`: protects l's node if it is found in its place after this; the caller looks.
/// - `op.get(l)`: the node's address. `op.retire(l)`: it is unlinked, and taken back when no thread protects it; its value was taken.
///   `op.retire_whole(l)`: the same for a node whose value is still in it, and is destroyed then.
/// - `op.create()`: a new node, or none where a fixed pool is full. `op.discard(l)`: takes back one that was never published.
/// - `op.create_spare()`, `op.discard_spare(l)`: the same beyond a fixed pool's capacity, for a queue's dummy.
/// - Of a pool, for the map: `op.try_create_spare()`, none where there is none to spare; `r.allocate<T>(n)` and `r.deallocate(p, n)`, the
///   memory that a container wants beside its nodes; `r.is_fixed()`, `r.capacity()`.
template <class R>
concept is_reclaimer = requires(R& r, const typename R::binding& binding) {
  requires is_backend<typename R::backend_type>;
  requires std::is_trivially_copyable_v<typename R::template link<int>>;
  { R::reads_may_tear } -> std::convertible_to<bool>;
  { r.template bind<int>() } -> std::same_as<typename R::binding>;
  { r.unbind() } noexcept;
  { r.template enter<int, 1>(binding) } -> detail::is_operation_of<R>;
};

namespace detail {

struct no_key {};
template <class T>
struct item_key_of {
  using type = no_key;
};
template <class T>
  requires requires { typename T::item_key; }
struct item_key_of<T> {
  using type = typename T::item_key;
};

/// The link of reclaimers that know their nodes by address: pointer and mark.
template <class Node>
class pointer_link {
 public:
  constexpr pointer_link() noexcept = default;
  PAWL_HOST_DEVICE explicit pointer_link(Node* node) noexcept : bits_(reinterpret_cast<std::uintptr_t>(node)) {}

  [[nodiscard]] PAWL_HOST_DEVICE Node* pointer() const noexcept { return reinterpret_cast<Node*>(bits_ & ~std::uintptr_t{1}); }
  PAWL_HOST_DEVICE explicit operator bool() const noexcept { return (bits_ & ~std::uintptr_t{1}) != 0; }
  [[nodiscard]] PAWL_HOST_DEVICE bool same_node(pointer_link other) const noexcept { return pointer() == other.pointer(); }
  [[nodiscard]] PAWL_HOST_DEVICE bool marked() const noexcept { return (bits_ & 1U) != 0; }
  [[nodiscard]] PAWL_HOST_DEVICE pointer_link with_mark(bool mark) const noexcept {
    pointer_link changed;
    changed.bits_ = (bits_ & ~std::uintptr_t{1}) | (mark ? 1U : 0U);
    return changed;
  }
  [[nodiscard]] PAWL_HOST_DEVICE pointer_link terminator() const noexcept { return {}; }

  friend constexpr bool operator==(pointer_link, pointer_link) noexcept = default;

 private:
  std::uintptr_t bits_ = 0;
};

/// A container's way to its domain: the one it was given, the process's, or its own where R has no process-wide one. It binds the
/// domain to elements of type T as long as it lives.
template <class R, class T>
class domain_handle {
  using env = environment<typename R::backend_type>;
  static constexpr bool shares_default = requires { R::default_domain(); };

 public:
  PAWL_HOST_DEVICE domain_handle() : domain_(acquire()), owns_(!shares_default) {
    // binding one's own or the process's domain can't be refused, but may be out of memory
    struct undo {
      domain_handle* handle;
      ~undo() {
        if (handle != nullptr) handle->release();
      }
    } guard{this};
    binding_ = domain_->template bind<T>();
    guard.handle = nullptr;
  }
  PAWL_HOST_DEVICE explicit domain_handle(R& domain) : domain_(&domain), binding_(domain.template bind<T>()), owns_(false) {}
  domain_handle(const domain_handle&) = delete;
  domain_handle& operator=(const domain_handle&) = delete;
  PAWL_HOST_DEVICE ~domain_handle() {
    domain_->unbind();
    release();
  }

  [[nodiscard]] PAWL_HOST_DEVICE R& domain() const noexcept { return *domain_; }
  /// Begins the operation of a container that ends: it only discards, and doesn't fail.
  PAWL_HOST_DEVICE auto enter_last() const noexcept { return domain_->template enter_last<T>(binding_); }
  /// Begins an operation that protects N nodes at once.
  template <std::size_t N>
  PAWL_HOST_DEVICE auto enter() const {
    return domain_->template enter<T, N>(binding_);
  }

 private:
  PAWL_HOST_DEVICE static R* acquire() {
    if constexpr (shares_default) {
      return &R::default_domain();
    } else {
      struct raw {
        void* memory = env::allocate(sizeof(R), alignof(R));
        ~raw() {
          if (memory != nullptr) env::deallocate(memory, sizeof(R), alignof(R));
        }
      } guard;
      R* const made = std::construct_at(static_cast<R*>(guard.memory));
      guard.memory = nullptr;
      return made;
    }
  }
  PAWL_HOST_DEVICE void release() noexcept {
    if (!owns_) return;
    std::destroy_at(domain_);
    env::deallocate(domain_, sizeof(R), alignof(R));
  }

  R* domain_;
  typename R::binding binding_{};
  bool owns_;
};

/// A node that no other thread knows yet: taken back unless published. Containers need no try block, so kernels can compile them.
template <class Op, class Link>
class unpublished {
 public:
  PAWL_HOST_DEVICE explicit unpublished(Op& op, Link link = {}) noexcept : op_(op), link_(link) {}
  unpublished(const unpublished&) = delete;
  unpublished& operator=(const unpublished&) = delete;
  // Inlined also where it unwinds: else the compiler keeps this object, and op, in memory, and every store delays the next locked
  // instruction.
  PAWL_ALWAYS_INLINE PAWL_HOST_DEVICE ~unpublished() {
    if (!link_) return;
    if (has_value_) op_.get(link_)->value.destroy();
    op_.discard(link_);
  }

  PAWL_HOST_DEVICE explicit operator bool() const noexcept { return static_cast<bool>(link_); }
  [[nodiscard]] PAWL_HOST_DEVICE auto* operator->() const noexcept { return op_.get(link_); }
  [[nodiscard]] PAWL_HOST_DEVICE Link link() const noexcept { return link_; }
  /// No node where a fixed pool is full.
  PAWL_HOST_DEVICE void create() { link_ = op_.create(); }
  template <class... Args>
  PAWL_HOST_DEVICE void construct(Args&&... args) noexcept(
      noexcept(std::declval<Op&>().get(Link())->value.construct(std::declval<Args>()...))) {
    op_.get(link_)->value.construct(std::forward<Args>(args)...);
    has_value_ = true;
  }
  PAWL_HOST_DEVICE void published() noexcept { link_ = {}; }

 private:
  Op& op_;
  Link link_{};
  bool has_value_ = false;
};

}  // namespace detail
}  // namespace pawl::inline v0

PAWL_HOST_DEVICE_END
