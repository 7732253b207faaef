#include "runners/api/endpoint.h"

#include <algorithm>

#include "harness/base/text.h"

namespace assay::runners::api {

namespace {

constexpr std::string_view kForm = "an endpoint is http(s)://host[:port]/v1#model-name";

bool is_plain(char c) { return c > ' ' && c < 0x7f && c != '"' && c != '<' && c != '>' && c != '\\'; }

/// "host", "host:8080", "[::1]:8080": the host, or nothing.
std::string host_of(std::string_view authority) {
  std::string_view host = authority;
  std::string_view port;
  const std::size_t bracket = authority.find(']');
  const std::size_t colon = authority.find(':', authority.starts_with('[') ? bracket : 0);
  if (colon != std::string_view::npos) {
    host = authority.substr(0, colon);
    port = authority.substr(colon + 1);
    const auto number = parse_integer(port);
    if (!number || *number < 1 || *number > 65535) return {};
  }
  if (host.starts_with('[') && bracket != host.size() - 1) return {};
  return to_lower_ascii(host);
}

bool is_loopback_host(std::string_view host) {
  if (host == "localhost" || host == "[::1]") return true;
  const auto is_address_char = [](char c) { return is_digit(c) || c == '.'; };
  return host.starts_with("127.") && std::all_of(host.begin(), host.end(), is_address_char);
}

}  // namespace

Result<Endpoint> parse_endpoint(std::string_view reference) {
  Endpoint endpoint;
  endpoint.reference = reference;
  endpoint.is_tls = reference.starts_with("https://");
  if (!endpoint.is_tls && !reference.starts_with("http://")) return bad_input("--model: ", kForm);
  const std::size_t hash = reference.find('#');
  std::string_view address = reference.substr(0, hash);
  while (address.ends_with('/')) address.remove_suffix(1);
  const std::string_view rest = address.substr(std::min(address.size(), address.find("://") + 3));
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?"));
  if (authority.find('@') != std::string_view::npos) {
    return bad_input(
        "--model: the address holds a name or password, which would be stored; put the key into "
        "$ASSAY_API_KEY, or name its variable with --api-key-env");
  }
  if (address.find('?') != std::string_view::npos) {
    return bad_input("--model: the address holds a query (?…), which could carry a key and would be stored; ", kForm);
  }
  if (!std::all_of(address.begin(), address.end(), is_plain)) {
    return bad_input("--model: ", quoted_excerpt(address, 200), " is no web address; ", kForm);
  }
  endpoint.host = host_of(authority);
  if (endpoint.host.empty()) return bad_input("--model: ", quoted_excerpt(address, 200), " names no host; ", kForm);
  for (const std::string_view path : {"/chat/completions", "/completions"}) {
    if (!address.ends_with(path)) continue;
    return bad_input("--model: ", quoted_excerpt(address, 200), " ends in ", path, "; leave that out: ", kForm);
  }
  if (hash == std::string_view::npos || hash + 1 == reference.size()) {
    return bad_input("--model: ", quoted_excerpt(address, 200), " does not say which model; ", kForm);
  }
  endpoint.base_url = address;
  endpoint.model = reference.substr(hash + 1);
  endpoint.is_loopback = is_loopback_host(endpoint.host);
  if (!is_valid_utf8(endpoint.model)) return bad_input("--model: the name behind # is no UTF-8");
  return endpoint;
}

}  // namespace assay::runners::api
