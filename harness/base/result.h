#pragma once
// Result<T>: a value or an Error. Named as std::expected, so that it can become an alias of it with C++23.

#include <sstream>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

#include "harness/base/assert.h"

namespace assay {

/// What kind of failure it is; `main` maps it to the exit code given as the enumerator's value.
enum class ErrorKind {
  bad_input = 2,    ///< the call's words or the input data are wrong
  environment = 3,  ///< device, memory, sandbox, endpoint, disk or database fails
  interrupted = 4,  ///< SIGINT or SIGTERM, after everything finished had been saved
};

/// A failure: its kind and one line that says what, where, and what would be right.
struct Error {
  ErrorKind kind;
  std::string message;
};

/// A value of type T, or an Error. `[[nodiscard]]`: a failure cannot be dropped by accident.
template <class T = void>
class [[nodiscard]] Result {
 public:
  using value_type = T;
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  T& value() & {
    ASSAY_ASSERT(has_value(), "value() of a failed Result");
    return *std::get_if<0>(&state_);
  }
  const T& value() const& {
    ASSAY_ASSERT(has_value(), "value() of a failed Result");
    return *std::get_if<0>(&state_);
  }
  T&& value() && { return std::move(value()); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(value()); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Error& error() const {
    ASSAY_ASSERT(!has_value(), "error() of a successful Result");
    return *std::get_if<1>(&state_);
  }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  using value_type = void;
  Result() = default;
  Result(Error error) : error_(std::move(error)), failed_(true) {}

  bool has_value() const { return !failed_; }
  explicit operator bool() const { return has_value(); }
  const Error& error() const {
    ASSAY_ASSERT(failed_, "error() of a successful Result");
    return error_;
  }

 private:
  Error error_{};
  bool failed_ = false;
};

namespace detail {
template <class... Parts>
Error make_error(ErrorKind kind, const Parts&... parts) {
  std::ostringstream message;
  message.imbue(std::locale::classic());
  (message << ... << parts);
  return Error{kind, message.str()};
}
}  // namespace detail

/// Builds an Error of a kind from the concatenated parts: `return bad_input(path, ": byte ", n, ": …");`
template <class... Parts>
Error bad_input(const Parts&... parts) {
  return detail::make_error(ErrorKind::bad_input, parts...);
}
template <class... Parts>
Error environment_error(const Parts&... parts) {
  return detail::make_error(ErrorKind::environment, parts...);
}
template <class... Parts>
Error interrupted(const Parts&... parts) {
  return detail::make_error(ErrorKind::interrupted, parts...);
}

}  // namespace assay

#define ASSAY_CONCAT_INNER(a, b) a##b
#define ASSAY_CONCAT(a, b) ASSAY_CONCAT_INNER(a, b)

/// Returns the error of `expression` from the enclosing function, if it failed.
#define ASSAY_TRY(...)                                                                    \
  do {                                                                                    \
    if (auto assay_result_ = (__VA_ARGS__); !assay_result_) return assay_result_.error(); \
  } while (false)

/// Declares or assigns `target` from a Result, or returns its error.
#define ASSAY_ASSIGN(target, ...) ASSAY_ASSIGN_IMPL(ASSAY_CONCAT(assay_result_, __LINE__), target, __VA_ARGS__)
#define ASSAY_ASSIGN_IMPL(result, target, ...) \
  auto result = (__VA_ARGS__);                 \
  if (!result) return result.error();          \
  target = std::move(*result)
