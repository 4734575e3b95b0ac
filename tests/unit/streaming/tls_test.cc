// Sessions over TLS: the client sees what it would see without.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>

#include "clients.h"
#include "dockerapi/client.h"
#include "fake_docker.h"
#include "shim/streaming/server.h"

namespace dockershimd::shim::streaming {
namespace {

using testing::HasSubstr;
using testing::StartsWith;
using testsupport::DockerFrame;
using testsupport::FakeDocker;
using testsupport::RawClient;
using testsupport::ReadToEnd;
using testsupport::SpdyClient;
using testsupport::WriteTo;

constexpr const char* kV4 = "v4.channel.k8s.io";
constexpr StreamChoice kAll{false, true, true, true};

template <class T>
using Owned = std::unique_ptr<T, void (*)(T*)>;

/// Replaces a file as a certificate manager does it.
template <class Write>
void Replace(const std::filesystem::path& file, Write write) {
  const auto temporary = file.string() + ".new";
  const Owned<std::FILE> stream(std::fopen(temporary.c_str(), "w"),
                                [](std::FILE* open) { std::fclose(open); });
  ASSERT_NE(stream, nullptr);
  write(stream.get());
  std::fflush(stream.get());
  std::filesystem::rename(temporary, file);
}

class TlsTest : public testing::Test {
 protected:
  TlsTest()
      : docker_([](int fd) { WriteTo(fd, DockerFrame(1, ReadToEnd(fd))); }),
        client_({.socket_path = docker_.Socket()}) {
    std::string name = (std::filesystem::temp_directory_path() / "dockershimd-tls.XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    MakeIdentity("first");
  }
  ~TlsTest() override { std::filesystem::remove_all(folder_); }

  void MakeIdentity(const char* common_name) const {
    const Owned<EVP_PKEY> key(::EVP_EC_gen("P-256"), &::EVP_PKEY_free);
    const Owned<X509> certificate(::X509_new(), &::X509_free);
    ::X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
    ::X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
    ::X509_set_pubkey(certificate.get(), key.get());
    auto* subject = ::X509_get_subject_name(certificate.get());
    ::X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                                 reinterpret_cast<const unsigned char*>(common_name), -1, -1, 0);
    ::X509_set_issuer_name(certificate.get(), subject);
    ::X509_sign(certificate.get(), key.get(), ::EVP_sha256());
    Replace(Key(), [&](std::FILE* file) {
      ::PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    });
    Replace(Certificate(), [&](std::FILE* file) { ::PEM_write_X509(file, certificate.get()); });
  }

  [[nodiscard]] std::filesystem::path Certificate() const { return folder_ / "tls.crt"; }
  [[nodiscard]] std::filesystem::path Key() const { return folder_ / "tls.key"; }
  [[nodiscard]] ServerOptions Options() const {
    ServerOptions options;
    options.tls_certificate = Certificate();
    options.tls_key = Key();
    return options;
  }

  FakeDocker docker_;
  dockerapi::Client client_;
  std::filesystem::path folder_;
};

TEST_F(TlsTest, AnExecIsAsWithoutIt) {
  Server server(Options(), client_);
  ASSERT_TRUE(server.Start());
  const auto url = server.Exec({"c", {"cmd"}, kAll}).value();
  EXPECT_THAT(url, StartsWith("https://127.0.0.1:"));
  SpdyClient client(url, kV4);
  EXPECT_EQ(client.Raw().CommonName(), "first");
  for (const auto* type : {"error", "stdin", "stdout", "stderr"}) client.Open(type);
  const std::string sent(300'000, 'x');
  for (std::size_t begin = 0; begin < sent.size(); begin += 100'000) {
    client.Data(3, sent.substr(begin, 100'000));
  }
  client.Data(3, "", true);
  auto rest = client.ReadRest();
  EXPECT_TRUE(rest.data[5] == sent) << rest.data[5].size();
  EXPECT_EQ(rest.data[1], R"({"status":"Success"})");
}

TEST_F(TlsTest, AClientWithoutItGetsNowhere) {
  Server server(Options(), client_);
  ASSERT_TRUE(server.Start());
  auto url = server.Exec({"c", {"cmd"}, kAll}).value();
  EXPECT_EQ(RawClient(url.erase(4, 1)).Request("POST", "").find("HTTP/1.1 101"), std::string::npos);
}

TEST_F(TlsTest, ANewCertificateIsUsedFromItsArrivalOn) {
  Server server(Options(), client_);
  ASSERT_TRUE(server.Start());
  RawClient before(server.BaseUrl() + "/exec/0");
  EXPECT_EQ(before.CommonName(), "first");
  MakeIdentity("second");
  EXPECT_EQ(RawClient(server.BaseUrl()).CommonName(), "second");
  EXPECT_THAT(before.Request("POST", ""), StartsWith("HTTP/1.1 404")) << "sessions go on";
  std::ofstream(Certificate()) << "half a certif";
  EXPECT_EQ(RawClient(server.BaseUrl()).CommonName(), "second");
  MakeIdentity("third");
  EXPECT_EQ(RawClient(server.BaseUrl()).CommonName(), "third");
}

TEST_F(TlsTest, WhatCannotBeUsedIsSaidAtTheStart) {
  std::filesystem::copy(Key(), folder_ / "other.key");
  MakeIdentity("second");
  for (const auto& [certificate, key, message] :
       {std::tuple(Certificate(), std::filesystem::path(), "only go together"),
        std::tuple(folder_ / "none", Key(), "none: "),
        std::tuple(Certificate(), folder_ / "other.key", "other.key: ")}) {
    auto options = Options();
    options.tls_certificate = certificate;
    options.tls_key = key;
    Server server(options, client_);
    const auto started = server.Start();
    ASSERT_FALSE(started) << message;
    EXPECT_EQ(started.error().code, base::Code::kInvalidArgument);
    EXPECT_THAT(started.error().message, HasSubstr(message));
  }
}

TEST_F(TlsTest, ABaseUrlIsWhatClientsAreGiven) {
  auto options = Options();
  options.base_url = "https://node.example:10010";
  Server server(options, client_);
  ASSERT_TRUE(server.Start());
  EXPECT_THAT(server.Exec({"c", {"cmd"}, kAll}).value(),
              StartsWith("https://node.example:10010/exec/"));
}

TEST_F(TlsTest, TheServersEndEndsHandshakesAndSessions) {
  std::optional<Server> server(std::in_place, Options(), client_);
  ASSERT_TRUE(server->Start());
  RawClient silent("http" + server->BaseUrl().substr(5));
  SpdyClient client(server->Exec({"c", {"cmd"}, kAll}).value(), kV4);
  for (const auto* type : {"error", "stdin", "stdout", "stderr"}) client.Open(type);
  server.reset();
  EXPECT_EQ(silent.ReadToEnd(), "");
}

}  // namespace
}  // namespace dockershimd::shim::streaming
