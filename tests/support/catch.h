#pragma once
// The one include of every test: Catch2 version 2 (Debian 12) or 3, spelled as in version 2.

#define CATCH_CONFIG_EXTERNAL_INTERFACES  // with the listeners of version 2

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#include <string>

using Catch::Approx;

namespace Catch::Matchers {
// Version 3 keeps this name for ranges; for texts it is ContainsSubstring. Not templates, so they go before its own.
inline auto Contains(const char* text) { return ContainsSubstring(text); }
inline auto Contains(std::string& text) { return ContainsSubstring(text); }
inline auto Contains(const std::string& text) { return ContainsSubstring(text); }
inline auto Contains(std::string&& text) { return ContainsSubstring(text); }
}  // namespace Catch::Matchers
#else
#include <catch2/catch.hpp>
#endif
