#include "shim/translate/image_ref.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dockershimd::shim::translate {
namespace {

const std::string kDigits(64, 'a');
const std::string kDigest = "sha256:" + kDigits;

struct Name {
  std::string text;
  std::string canonical;  ///< empty: refused
  std::string familiar;
};

class ImageNames : public testing::TestWithParam<Name> {};

TEST_P(ImageNames, ReadAsDockerDoes) {
  const auto& [text, canonical, familiar] = GetParam();
  const auto name = ParseImageName(text);
  EXPECT_EQ(name ? name->Canonical() : "", canonical) << text;
  EXPECT_EQ(name ? name->Familiar() : "", familiar) << text;
  EXPECT_TRUE(name || name.error().code == base::Code::kInvalidArgument) << text;
}

INSTANTIATE_TEST_SUITE_P(
    Accepted, ImageNames,
    testing::Values(
        Name{"busybox", "docker.io/library/busybox", "busybox"},
        Name{"busybox:1.36", "docker.io/library/busybox:1.36", "busybox:1.36"},
        Name{"docker.io/busybox", "docker.io/library/busybox", "busybox"},
        Name{"docker.io/library/busybox:1", "docker.io/library/busybox:1", "busybox:1"},
        Name{"index.docker.io/busybox", "docker.io/library/busybox", "busybox"},
        Name{"docker.io/library/a/b", "docker.io/library/a/b", "library/a/b"},
        Name{"me/app", "docker.io/me/app", "me/app"},
        Name{"localhost/app", "localhost/app", "localhost/app"},
        Name{"localhost:5000/app:1", "localhost:5000/app:1", "localhost:5000/app:1"},
        Name{"registry.k8s.io/pause:3.9", "registry.k8s.io/pause:3.9", "registry.k8s.io/pause:3.9"},
        Name{"Registry/app", "Registry/app", "Registry/app"},
        Name{"[fe80::1]:5000/app", "[fe80::1]:5000/app", "[fe80::1]:5000/app"},
        Name{"[1]:5000/app", "[1]:5000/app", "[1]:5000/app"},
        Name{"my-registry.io/app", "my-registry.io/app", "my-registry.io/app"},
        Name{"app:1-a_b.c", "docker.io/library/app:1-a_b.c", "app:1-a_b.c"},
        Name{"app@sha384:" + std::string(96, 'a'),
             "docker.io/library/app@sha384:" + std::string(96, 'a'),
             "app@sha384:" + std::string(96, 'a')},
        Name{"10.0.0.1/app", "10.0.0.1/app", "10.0.0.1/app"},
        Name{"a__b/c--d.e_f", "docker.io/a__b/c--d.e_f", "a__b/c--d.e_f"},
        Name{"app@" + kDigest, "docker.io/library/app@" + kDigest, "app@" + kDigest},
        Name{"app:1@" + kDigest, "docker.io/library/app:1@" + kDigest, "app:1@" + kDigest},
        Name{"app@sha512:" + kDigits + kDigits, "docker.io/library/app@sha512:" + kDigits + kDigits,
             "app@sha512:" + kDigits + kDigits},
        Name{"app:" + std::string(128, 't'), "docker.io/library/app:" + std::string(128, 't'),
             "app:" + std::string(128, 't')},
        // Docker knows no name that is a digest alone: this is the tag of a repository "sha256".
        Name{kDigest, "docker.io/library/sha256:" + kDigits, "sha256:" + kDigits}));

INSTANTIATE_TEST_SUITE_P(
    Refused, ImageNames,
    testing::Values(Name{"", "", ""}, Name{"UPPER", "", ""}, Name{"registry.io/UPPER", "", ""},
                    Name{kDigits, "", ""}, Name{"app:", "", ""}, Name{"app:.1", "", ""},
                    Name{"app:" + std::string(129, 't'), "", ""}, Name{"app@", "", ""},
                    Name{"app@sha256:abc", "", ""}, Name{"app@md5:" + kDigits, "", ""},
                    Name{"app@" + kDigest + "@" + kDigest, "", ""},
                    Name{"app@sha256:" + std::string(64, 'A'), "", ""}, Name{"a//b", "", ""},
                    Name{"/a", "", ""}, Name{"a/", "", ""}, Name{"registry.io/", "", ""},
                    Name{"a___b", "", ""}, Name{"a..b", "", ""}, Name{"-a", "", ""},
                    Name{"a-", "", ""}, Name{"a b", "", ""}, Name{"\xc3\xa9", "", ""},
                    Name{"registry.io:port/a", "", ""}, Name{"registry.io:/a", "", ""},
                    Name{":5000/a", "", ""}, Name{"[::1/a", "", ""}, Name{"[]/a", "", ""},
                    Name{"[::g]/a", "", ""}, Name{"[x]:5000/a", "", ""}, Name{"a_b.io/a", "", ""},
                    Name{"app:a?b", "", ""}, Name{"app@:", "", ""}, Name{"-registry.io/a", "", ""},
                    Name{"https://registry.io/a", "", ""},
                    Name{"registry.io/" + std::string(256, 'a'), "", ""},
                    Name{"../../containers/json", "", ""}, Name{"app?x=1", "", ""}));

TEST(ImageName, LongestPath) {
  EXPECT_TRUE(ParseImageName("registry.io/" + std::string(255, 'a')));
}

TEST(ImageName, Parts) {
  const auto name = ParseImageName("registry.io:5000/team/app:1@" + kDigest);
  ASSERT_TRUE(name);
  EXPECT_EQ(*name, (ImageName{"registry.io:5000", "team/app", "1", kDigest}));
  EXPECT_EQ(name->Repository(), "registry.io:5000/team/app");
}

TEST(ImageName, ExactMeansOneVersion) {
  EXPECT_EQ(ParseImageName("app")->Exact().Familiar(), "app:latest");
  EXPECT_EQ(ParseImageName("app:1")->Exact().Familiar(), "app:1");
  EXPECT_EQ(ParseImageName("app:1@" + kDigest)->Exact().Familiar(), "app@" + kDigest);
}

TEST(ImageName, ErrorsNameWhatIsWrong) {
  EXPECT_EQ(ParseImageName("").error().message, "the image has no name");
  EXPECT_THAT(ParseImageName("UPPER").error().message,
              testing::AllOf(testing::HasSubstr("'UPPER'"), testing::HasSubstr("lower case")));
  EXPECT_THAT(ParseImageName("app:?").error().message, testing::HasSubstr("tag"));
  EXPECT_THAT(ParseImageName("a@b").error().message, testing::HasSubstr("digest"));
  EXPECT_THAT(ParseImageName("-x.io/a").error().message, testing::HasSubstr("'-x.io'"));
}

TEST(ImageId, LongForm) {
  EXPECT_EQ(ParseImageId(kDigits), kDigest);
  EXPECT_EQ(ParseImageId(kDigest), kDigest);
  EXPECT_EQ(ParseImageId(kDigits.substr(1)), std::nullopt);
  EXPECT_EQ(ParseImageId(std::string(64, 'A')), std::nullopt);
  EXPECT_EQ(ParseImageId(""), std::nullopt);
}

TEST(ImageId, Beginnings) {
  EXPECT_TRUE(MayBeShortId("abc123"));
  EXPECT_TRUE(MayBeShortId("sha256:abc123"));
  EXPECT_TRUE(MayBeShortId(kDigest));
  EXPECT_FALSE(MayBeShortId("busybox"));
  EXPECT_FALSE(MayBeShortId("abc:1"));
  EXPECT_FALSE(MayBeShortId("sha256:"));
  EXPECT_FALSE(MayBeShortId(""));
  EXPECT_FALSE(MayBeShortId(kDigits + "a"));
}

}  // namespace
}  // namespace dockershimd::shim::translate
