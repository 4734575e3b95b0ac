#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/encoding.h"
#include "shim/translate/images.h"

namespace dockershimd::shim::translate {
namespace {

using base::Code;
using testing::HasSubstr;
using testing::Not;

runtime::v1::AuthConfig UserAndPassword(const std::string& server = "") {
  runtime::v1::AuthConfig auth;
  auth.set_username("me");
  auth.set_password("secret");
  auth.set_server_address(server);
  return auth;
}

auto AuthFor(const std::string& image, const runtime::v1::AuthConfig& auth) {
  return ToRegistryAuth(auth, *ParseImageName(image));
}

TEST(RegistryAuth, NothingGiven) {
  const auto auth = AuthFor("r.io/app", {});
  ASSERT_TRUE(auth);
  EXPECT_FALSE(*auth);
  runtime::v1::AuthConfig only_server;
  only_server.set_server_address("r.io");
  EXPECT_FALSE(*AuthFor("r.io/app", only_server));
}

TEST(RegistryAuth, UserAndPassword) {
  const auto auth = AuthFor("r.io/app", UserAndPassword());
  ASSERT_TRUE(auth && *auth);
  EXPECT_EQ((*auth)->username, "me");
  EXPECT_EQ((*auth)->password, "secret");
  // Docker with containerd's image store sends credentials only where the address fits.
  EXPECT_EQ((*auth)->server_address, "r.io");
}

TEST(RegistryAuth, DockerHubHasAnAddressOfItsOwn) {
  EXPECT_EQ((*AuthFor("busybox", UserAndPassword()))->server_address,
            "https://index.docker.io/v1/");
}

TEST(RegistryAuth, ServerAddressesThatFit) {
  for (const char* server : {"r.io:5000", "https://r.io:5000", "https://r.io:5000/v2/"}) {
    const auto auth = AuthFor("r.io:5000/app", UserAndPassword(server));
    ASSERT_TRUE(auth && *auth) << server;
    EXPECT_EQ((*auth)->server_address, server);
  }
  for (const char* server : {"docker.io", "https://index.docker.io/v1/", "registry-1.docker.io"}) {
    EXPECT_TRUE(*AuthFor("busybox", UserAndPassword(server))) << server;
  }
}

TEST(RegistryAuth, CredentialsForAnotherRegistryStayHere) {
  for (const char* server : {"other.io", "r.io:5000", "https://index.docker.io/v1/"}) {
    const auto auth = AuthFor("r.io/app", UserAndPassword(server));
    ASSERT_TRUE(auth) << server;
    EXPECT_FALSE(*auth) << server;
  }
}

TEST(RegistryAuth, Base64) {
  runtime::v1::AuthConfig auth;
  auth.set_auth(base::Base64Encode("me:se:cret"));
  EXPECT_EQ((*AuthFor("r.io/app", auth))->username, "me");
  EXPECT_EQ((*AuthFor("r.io/app", auth))->password, "se:cret");
  auth.set_auth(base::Base64Encode(std::string("me:secret\0\0", 11)));
  EXPECT_EQ((*AuthFor("r.io/app", auth))->password, "secret");
}

TEST(RegistryAuth, UserAndPasswordComeBeforeBase64) {
  auto auth = UserAndPassword();
  auth.set_auth(base::Base64Encode("other:other"));
  EXPECT_EQ((*AuthFor("r.io/app", auth))->username, "me");
}

TEST(RegistryAuth, Tokens) {
  runtime::v1::AuthConfig identity;
  identity.set_identity_token("id");
  identity.set_auth("is not looked at");
  EXPECT_EQ((*AuthFor("r.io/app", identity))->identity_token, "id");
  runtime::v1::AuthConfig registry;
  registry.set_registry_token("bearer");
  EXPECT_EQ((*AuthFor("r.io/app", registry))->registry_token, "bearer");
}

TEST(RegistryAuth, MistakesAreNamedWithoutTheSecret) {
  runtime::v1::AuthConfig not_base64;
  not_base64.set_auth("me:hunter2");
  runtime::v1::AuthConfig no_colon;
  no_colon.set_auth(base::Base64Encode("hunter2"));
  runtime::v1::AuthConfig no_user;
  no_user.set_password("hunter2");
  for (const auto& auth : {not_base64, no_colon, no_user}) {
    const auto result = AuthFor("r.io/app", auth);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Code::kInvalidArgument);
    EXPECT_THAT(result.error().message, HasSubstr("auth."));
    EXPECT_THAT(result.error().message, Not(HasSubstr("hunter2")));
    EXPECT_THAT(result.error().message, Not(HasSubstr(no_colon.auth())));
  }
}

TEST(UrlSecrets, AreLeftOut) {
  EXPECT_EQ(WithoutUrlSecrets(R"(Get "https://u:p@r.io/v2/?sig=x&y": EOF)"),
            R"(Get "https://r.io/v2/?...": EOF)");
  EXPECT_EQ(WithoutUrlSecrets("see http://a.io/x?t=1 and https://b.io/y@z."),
            "see http://a.io/x?... and https://b.io/y@z.");
  EXPECT_EQ(WithoutUrlSecrets("https://u_1:p_2@r_3.io/v_4?sig=x_5"), "https://r_3.io/v_4?...");
  EXPECT_EQ(WithoutUrlSecrets("no URL? me@home"), "no URL? me@home");
  EXPECT_EQ(WithoutUrlSecrets("https://"), "https://");
  EXPECT_EQ(WithoutUrlSecrets(""), "");
}

}  // namespace
}  // namespace dockershimd::shim::translate
