#include "shim/metrics/metrics.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <thread>

#include "base/unique_fd.h"
#include "shim/metrics/metrics_server.h"

namespace dockershimd::shim::metrics {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::StartsWith;

std::string Ask(std::uint16_t port, const std::string& request) {
  const base::UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(fd.Get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  EXPECT_EQ(::write(fd.Get(), request.data(), request.size()),
            static_cast<ssize_t>(request.size()));
  std::string answer;
  std::array<char, 4096> buffer;
  for (ssize_t count = 1; count > 0;) {
    count = ::read(fd.Get(), buffer.data(), buffer.size());
    if (count > 0) answer.append(buffer.data(), static_cast<std::size_t>(count));
  }
  return answer;
}

TEST(MetricsTest, CountsCallsByNameAndResult) {
  Metrics metrics([] { return std::vector<Reading>(); });
  metrics.CountRpc("RunPodSandbox", "ok", milliseconds(200));
  metrics.CountRpc("RunPodSandbox", "ok", milliseconds(300));
  metrics.CountRpc("RunPodSandbox", "not_found", milliseconds(1));
  metrics.CountDockerCall("POST /containers/{id}/start", 204, milliseconds(40));
  const auto text = metrics.Text();
  EXPECT_THAT(text, HasSubstr("dockershimd_rpc_duration_seconds_count{code=\"ok\","
                              "rpc=\"RunPodSandbox\"} 2"));
  EXPECT_THAT(text, HasSubstr("dockershimd_rpc_duration_seconds_sum{code=\"ok\","
                              "rpc=\"RunPodSandbox\"} 0.5"));
  EXPECT_THAT(text, HasSubstr("_count{code=\"not_found\",rpc=\"RunPodSandbox\"} 1"));
  EXPECT_THAT(text,
              HasSubstr("_count{operation=\"POST /containers/{id}/start\",status=\"204\"} 1"));
}

TEST(MetricsTest, ReadsFiguresWhenAsked) {
  double pods = 3;
  Metrics metrics([&] {
    return std::vector<Reading>{{"dockershimd_pods", "Pods in the model", pods},
                                {"dockershimd_log_lines_total", "Lines", 7, true}};
  });
  EXPECT_THAT(metrics.Text(), HasSubstr("# TYPE dockershimd_pods gauge\ndockershimd_pods 3"));
  pods = 4;
  EXPECT_THAT(metrics.Text(), HasSubstr("dockershimd_pods 4"));
  EXPECT_THAT(
      metrics.Text(),
      HasSubstr("# TYPE dockershimd_log_lines_total counter\ndockershimd_log_lines_total 7"));
}

TEST(MetricsServerTest, AnswersOverHttp) {
  const auto server = MetricsServer::Start("127.0.0.1:0", [] { return "figures 1\n"; });
  ASSERT_TRUE(server) << server.error().message;
  const auto port = (*server)->Port();
  const auto answer = Ask(port, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK"));
  EXPECT_THAT(answer, HasSubstr("\r\n\r\nfigures 1\n"));
  EXPECT_THAT(Ask(port, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"), StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(Ask(port, "nonsense\r\n\r\n"), testing::IsEmpty());
}

TEST(MetricsServerTest, RefusesWhatIsNoAddress) {
  for (const char* address : {"", "localhost", "127.0.0.1", "127.0.0.1:99999", "host:1"}) {
    const auto server = MetricsServer::Start(address, [] { return ""; });
    ASSERT_FALSE(server) << address;
    EXPECT_EQ(server.error().code, base::Code::kInvalidArgument);
    EXPECT_THAT(server.error().message, HasSubstr("metrics_address"));
  }
}

}  // namespace
}  // namespace dockershimd::shim::metrics
