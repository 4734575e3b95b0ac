#include "shim/translate/users.h"

#include <gmock/gmock.h>

#include "cases.h"

namespace dockershimd::shim::translate {
namespace {

using base::Code;
using runtime::v1::LinuxContainerSecurityContext;
using testing::ElementsAreArray;
using testing::HasSubstr;
using namespace testing_support;

LinuxContainerSecurityContext Security(const std::string& text) {
  return Parse<LinuxContainerSecurityContext>(text);
}

const ImageAccounts kAccounts{"",
                              "root:x:0:0:root:/root:/bin/sh\n"
                              "broken:x\n"
                              "me:x:1000:1001::/home/me:/bin/sh\n"
                              "1000:x:77:78::/:/bin/sh\n"
                              "bare:x:60:61\n"
                              "numbered:x:62:63\n"
                              "odd:x:abc:def::/:/bin/sh\n",
                              "root:x:0:\n"
                              "broken:x\n"
                              "short:x:5\n"
                              "one:x:50000:you,me\n"
                              "two:x:50001:me\n"
                              "three:x:50002:men\n"
                              "odd:x:abc:me\n"};

ImageAccounts WithUser(const std::string& user) {
  auto accounts = kAccounts;
  accounts.default_user = user;
  return accounts;
}

TEST(NeedsAccounts, OnlyWhereDockerWouldDoOtherwise) {
  const std::vector<std::pair<std::string, bool>> cases = {
      {"", false},
      {"run_as_user { value: 1 }", false},
      {"run_as_username: 'me'", false},
      {"run_as_user { value: 1 } run_as_group { value: 1 }", true},
      {"supplemental_groups_policy: Strict", true},
      {"supplemental_groups_policy: Strict run_as_user { value: 1 }", true},
      {"supplemental_groups_policy: Strict run_as_username: 'x' run_as_group { value: 1 }", true},
      {"supplemental_groups_policy: Strict run_as_user { value: 1 } run_as_group { value: 1 }",
       false},
  };
  for (const auto& [text, needed] : cases) EXPECT_EQ(NeedsAccounts(Security(text)), needed) << text;
}

TEST(ResolveUser, Resolves) {
  struct Case {
    std::string security, image_user;
    std::int64_t uid, gid;
    std::vector<std::int64_t> groups;
  };
  const std::vector<Case> cases = {
      {"", "", 0, 0, {}},
      {"", "me", 1000, 1001, {50000, 50001}},
      {"", "me:", 1000, 1001, {50000, 50001}},
      {"", "me:one", 1000, 50000, {50000, 50001}},
      {"", "me:4", 1000, 4, {50000, 50001}},
      {"", "me:short", 1000, 5, {50000, 50001}},
      {"", "5", 5, 0, {}},
      {"", "5:6", 5, 6, {}},
      {"", "bare", 60, 61, {}},
      {"", "62", 62, 63, {}},
      {"", "odd", 0, 0, {}},
      {"run_as_user { value: 0 }", "me:one", 0, 0, {}},
      {"run_as_user { value: 77 }", "me:one", 77, 78, {}},
      {"run_as_user { value: 4242 }", "me", 4242, 0, {}},
      {"run_as_user { value: 4242 } run_as_group { value: 7 }", "", 4242, 7, {}},
      // A user whose name is a number, and the number itself: the name counts first.
      {"run_as_user { value: 1000 }", "", 77, 78, {}},
      {"run_as_username: 'me'", "", 1000, 1001, {50000, 50001}},
      {"run_as_username: 'me' run_as_group { value: 9 }", "", 1000, 9, {50000, 50001}},
      {"run_as_username: 'me' supplemental_groups: [3, 4]", "", 1000, 1001, {50000, 50001, 3, 4}},
      {"run_as_username: 'me' supplemental_groups: 3 supplemental_groups_policy: Strict",
       "",
       1000,
       1001,
       {3}},
      {"supplemental_groups_policy: Strict", "me", 1000, 1001, {}},
  };
  for (const auto& c : cases) {
    const auto user = ResolveUser(Security(c.security), WithUser(c.image_user));
    ASSERT_TRUE(user) << c.security << ": " << user.error().message;
    EXPECT_EQ(user->uid, c.uid) << c.security << c.image_user;
    EXPECT_EQ(user->gid, c.gid) << c.security << c.image_user;
    EXPECT_THAT(user->groups, ElementsAreArray(c.groups)) << c.security << c.image_user;
  }
}

TEST(ResolveUser, NoFiles) {
  const auto user = ResolveUser(Security("run_as_user { value: 5 }"), {});
  ASSERT_TRUE(user);
  EXPECT_EQ(user->uid, 5);
  EXPECT_EQ(user->gid, 0);
}

TEST(ResolveUser, Refuses) {
  const std::vector<std::tuple<std::string, std::string, std::string>> cases = {
      {"run_as_username: 'you'", "",
       "security_context.run_as_username: the image's /etc/passwd has no user 'you'"},
      {"run_as_username: '-1'", "", "no user '-1'"},
      {"run_as_username: '12x'", "", "no user '12x'"},
      {"", "you", "the image's user: the image's /etc/passwd has no user 'you'"},
      {"", "me:none", "no group 'none'"},
      {"", "me:broken", "no group 'broken'"},
  };
  for (const auto& [security, image_user, message] : cases) {
    const auto user = ResolveUser(Security(security), WithUser(image_user));
    ASSERT_FALSE(user) << security << image_user;
    EXPECT_EQ(user.error().code, Code::kInvalidArgument);
    EXPECT_THAT(user.error().message, HasSubstr(message));
  }
}

TEST(CheckUser, Limits) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", ""},
      {"run_as_user { value: 2147483647 } run_as_group { value: 2147483647 }", ""},
      {"supplemental_groups: [0, 2147483647]", ""},
      {"run_as_username: 'x' run_as_group { value: 0 }", ""},
      {"run_as_group { value: 0 }", "run_as_group: needs"},
      {"run_as_user { value: 2147483648 }", "security_context.run_as_user: 2147483648"},
      {"run_as_user { value: -1 }", "security_context.run_as_user: -1"},
      {"run_as_user { value: 1 } run_as_group { value: -2 }", "security_context.run_as_group: -2"},
      {"supplemental_groups: [1, -3, 4]", "security_context.supplemental_groups: -3"},
      {"supplemental_groups_policy: 5", "supplemental_groups_policy: unknown value 5"},
  };
  for (const auto& [text, message] : cases) {
    const auto checked = CheckUser(Security(text));
    EXPECT_EQ(checked.has_value(), message.empty()) << text;
    if (checked) continue;
    EXPECT_EQ(checked.error().code, Code::kInvalidArgument);
    EXPECT_THAT(checked.error().message, HasSubstr(message));
  }
}

}  // namespace
}  // namespace dockershimd::shim::translate
