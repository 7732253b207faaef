// The first contact with an endpoint.

#include "harness/base/log.h"
#include "harness/base/text.h"
#include "runners/api/endpoint_client.h"
#include "runners/api/refusal.h"

namespace assay::runners::api {

namespace {

constexpr std::size_t kMostListBytes = 8 << 20;
constexpr long kPatienceMs = 15'000;
constexpr std::size_t kMostListedBytes = 4096;  // what a run stores of the model's entry

struct Answer {
  std::string body;
  std::string server;
};

std::size_t keep_body(char* bytes, std::size_t size, std::size_t n, void* answer) {
  std::string& body = static_cast<Answer*>(answer)->body;
  if (body.size() + size * n > kMostListBytes) return 0;
  body.append(bytes, size * n);
  return size * n;
}

std::size_t keep_server(char* bytes, std::size_t size, std::size_t n, void* answer) {
  const std::string_view line(bytes, size * n);
  if (to_lower_ascii(line.substr(0, 7)) == "server:") {
    static_cast<Answer*>(answer)->server = shown(trim(line.substr(7)));
  }
  return size * n;
}

/// Looks for the model in {"data": [{"id": …}, …]}.
void read_list(const std::string& body, const std::string& model, ServerFacts& facts) {
  const Result<Json> list = parse_json(body, "models");
  if (!list || !list->is_object() || !list->contains("data") || !(*list)["data"].is_array()) return;
  facts.lists_model = false;
  for (const Json& entry : (*list)["data"]) {
    if (!entry.is_object() || !entry.contains("id") || entry["id"] != model) continue;
    facts.lists_model = true;
    if (to_json_text(entry).size() <= kMostListedBytes) facts.listed = entry;
  }
}

}  // namespace

Result<ServerFacts> probe(const Connection& connection) {
  if (!start_curl()) return environment_error("libcurl can't be started");
  const CurlEasy easy(curl_easy_init());
  if (!easy) return environment_error("libcurl gives no handle; is there memory?");
  Answer answer;
  char error_text[CURL_ERROR_SIZE] = {};
  const CurlList headers = prepare(easy.get(), connection, "/models");
  curl_easy_setopt(easy.get(), CURLOPT_TIMEOUT_MS, kPatienceMs);
  curl_easy_setopt(easy.get(), CURLOPT_ERRORBUFFER, error_text);
  curl_easy_setopt(easy.get(), CURLOPT_WRITEFUNCTION, keep_body);
  curl_easy_setopt(easy.get(), CURLOPT_WRITEDATA, &answer);
  curl_easy_setopt(easy.get(), CURLOPT_HEADERFUNCTION, keep_server);
  curl_easy_setopt(easy.get(), CURLOPT_HEADERDATA, &answer);
  const CURLcode code = curl_easy_perform(easy.get());
  ServerFacts facts;
  facts.server = without_key(answer.server, connection);
  if (code != CURLE_OK) {
    const AttemptFailure failure = transfer_failure(code, easy.get(), error_text, connection);
    if (failure.could_not_connect || failure.next != Next::retry) {
      return environment_error("endpoint ", connection.endpoint.base_url, ": ", failure.reason);
    }
    log_warning("endpoint ", connection.endpoint.base_url, " gives no list of models: ", failure.reason);
    return facts;
  }
  long status = 0;
  curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
  if (status == 401 || status == 403) {
    return environment_error("endpoint ", connection.endpoint.base_url, " answers HTTP ", status, " to ",
                             connection.api_key.empty() ? "requests without a key; set $ASSAY_API_KEY or name its "
                                                          "variable with --api-key-env"
                                                        : "this key",
                             ": ", without_key(error_message(answer.body), connection));
  }
  if (status >= 300 && status < 400) {
    char* target = nullptr;
    curl_easy_getinfo(easy.get(), CURLINFO_REDIRECT_URL, &target);
    return environment_error("endpoint ", connection.endpoint.base_url, " redirects to ",
                             quoted_excerpt(without_key(target != nullptr ? target : "", connection), 200),
                             ", where neither key nor prompts are sent; give that address if it is right");
  }
  if (status == 200) read_list(without_key(answer.body, connection), connection.endpoint.model, facts);
  if (facts.lists_model == false) {
    log_warning("endpoint ", connection.endpoint.base_url, " does not list the model ",
                quoted_excerpt(connection.endpoint.model, 100));
  }
  return facts;
}

}  // namespace assay::runners::api
