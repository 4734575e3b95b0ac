#include "base/result.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <set>

namespace dockershimd::base {
namespace {

Result<int> Broken() { return Fail(Code::kNotFound, "container {} is gone", "abc"); }

TEST(Result, FailsWithAFormattedMessage) {
  const auto result = Broken();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::kNotFound);
  EXPECT_EQ(result.error().message, "container abc is gone");
  EXPECT_FALSE(result.error().http_status);
}

TEST(Result, EachLayerAddsItsContextAndKeepsTheRest) {
  const Error docker{Code::kAlreadyExists, "name in use", 409};
  const Status status = Fail(docker, "create pod x");
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().message, "create pod x: name in use");
  EXPECT_EQ(status.error().code, Code::kAlreadyExists);
  EXPECT_EQ(status.error().http_status, 409);
  const Status as_it_was = Fail(docker);
  EXPECT_EQ(as_it_was.error().message, "name in use");
}

TEST(ErrnoError, CodesThatCallersActOn) {
  const std::pair<int, Code> cases[] = {{ENOENT, Code::kNotFound},
                                        {ESRCH, Code::kNotFound},
                                        {EEXIST, Code::kAlreadyExists},
                                        {EACCES, Code::kPermissionDenied},
                                        {EINVAL, Code::kInvalidArgument},
                                        {ENOSPC, Code::kResourceExhausted},
                                        {EMFILE, Code::kResourceExhausted},
                                        {ECONNREFUSED, Code::kUnavailable},
                                        {EPIPE, Code::kUnavailable},
                                        {ETIMEDOUT, Code::kDeadlineExceeded},
                                        {EIO, Code::kInternal}};
  for (const auto& [number, code] : cases) {
    EXPECT_EQ(ErrnoError(number, "open x").code, code) << number;
  }
  EXPECT_EQ(ErrnoError(ENOENT, "open x").message, "open x: No such file or directory");
}

TEST(CodeName, IsThereForEachCodeOnce) {
  std::set<std::string_view> names;
  for (int code = 0; code <= static_cast<int>(Code::kInternal); ++code) {
    names.insert(CodeName(static_cast<Code>(code)));
  }
  EXPECT_EQ(names.size(), static_cast<std::size_t>(Code::kInternal) + 1);
  EXPECT_TRUE(names.contains("not_found"));
}

}  // namespace
}  // namespace dockershimd::base
