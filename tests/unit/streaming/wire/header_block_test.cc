#include "shim/streaming/wire/header_block.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include "hex.h"

namespace dockershimd::shim::streaming::wire {
namespace {

using testsupport::FromHex;

Headers MustRead(HeaderInflater& inflater, std::string_view hex) {
  const auto block = inflater.Inflate(FromHex(hex));
  EXPECT_TRUE(block) << (block ? "" : block.error().message);
  const auto headers = ParseHeaderBlock(block.value_or(""));
  EXPECT_TRUE(headers) << (headers ? "" : headers.error().message);
  return headers.value_or(Headers{});
}

TEST(HeaderBlockTest, ReadsTheBlocksOfAnExecOfClientGo) {
  HeaderInflater inflater;
  EXPECT_EQ(MustRead(inflater, "78f9e3c6a7c26260606004a7b392a2d4c45c6851c29a0a0a6800000000ffff"),
            (Headers{{"streamtype", "error"}}));
  EXPECT_EQ(MustRead(inflater, "c22e555c92929907000000ffff"), (Headers{{"streamtype", "stdin"}}));
  EXPECT_EQ(MustRead(inflater, "c22ac5565c92925f5a02000000ffff"),
            (Headers{{"streamtype", "stdout"}}));
  EXPECT_EQ(MustRead(inflater, "c229975a5404000000ffff"), (Headers{{"streamtype", "stderr"}}));
}

TEST(HeaderBlockTest, ReadsTheBlocksOfATerminalSession) {
  HeaderInflater inflater;
  (void)MustRead(inflater, "78f9e3c6a7c26260606004a7b392a2d4c45c6851c29a0a0a6800000000ffff");
  (void)MustRead(inflater, "c22e555c92929907000000ffff");
  (void)MustRead(inflater, "c22ac5565c92925f5a02000000ffff");
  EXPECT_EQ(MustRead(inflater, "c22e57945a9c59950a000000ffff"),
            (Headers{{"streamtype", "resize"}}));
}

TEST(HeaderBlockTest, ReadsTheBlocksOfAPortForwardOfClientGo) {
  HeaderInflater inflater;
  auto headers = MustRead(inflater,
                          "78f9e3c6a7c202253a703a2b294a4dcc851625aca9a0808614cb45a024cc6a68616160"
                          "c4c0c0c0590489c74c50fa663400000000ffff");
  EXPECT_EQ(ValueOf(headers, "streamtype"), "error");
  EXPECT_EQ(ValueOf(headers, "port"), "18802");
  EXPECT_EQ(ValueOf(headers, "requestid"), "0");
  headers = MustRead(inflater, "c2aa1b54102512a119000000ffff");
  EXPECT_EQ(ValueOf(headers, "streamtype"), "data");
  EXPECT_EQ(ValueOf(headers, "port"), "18802");
  headers = MustRead(inflater, "826a4656666989a1cc1087eb00000000ffff");
  EXPECT_EQ(ValueOf(headers, "port"), "18899");
  EXPECT_EQ(ValueOf(headers, "requestid"), "1");
}

TEST(HeaderBlockTest, RefusesForeignDictionaries) {
  HeaderInflater inflater;
  EXPECT_FALSE(inflater.Inflate(FromHex("78f900000001 6260606004")));
}

TEST(HeaderBlockTest, RefusesWhatIsNoZlib) {
  HeaderInflater inflater;
  EXPECT_FALSE(inflater.Inflate("streamtype"));
}

TEST(HeaderBlockTest, RefusesAStreamThatEnds) {
  HeaderInflater inflater;
  (void)MustRead(inflater, "78f9e3c6a7c26260606004a7b392a2d4c45c6851c29a0a0a6800000000ffff");
  EXPECT_FALSE(inflater.Inflate(FromHex("010000ffff 00000000")));
}

TEST(HeaderBlockTest, RefusesBombs) {
  const std::string zeros(1 << 20, '\0');
  std::string compressed(compressBound(zeros.size()), '\0');
  uLongf size = compressed.size();
  ASSERT_EQ(compress(reinterpret_cast<Bytef*>(compressed.data()), &size,
                     reinterpret_cast<const Bytef*>(zeros.data()), zeros.size()),
            Z_OK);
  compressed.resize(size);
  HeaderInflater inflater;
  EXPECT_FALSE(inflater.Inflate(compressed));
}

TEST(HeaderBlockTest, ReadsLowerCaseNamesAndFirstValues) {
  const auto headers =
      ParseHeaderBlock(std::string("\0\0\0\1\0\0\0\4PorT\0\0\0\3"
                                   "1\0"
                                   "2",
                                   19));
  ASSERT_TRUE(headers);
  EXPECT_EQ(headers->front().first, "port");
  EXPECT_EQ(ValueOf(*headers, "port"), "1");
  EXPECT_EQ(ValueOf(*headers, "streamtype"), "");
}

TEST(HeaderBlockTest, ReadsNoHeaders) {
  const auto headers = ParseHeaderBlock(std::string(4, '\0'));
  ASSERT_TRUE(headers);
  EXPECT_TRUE(headers->empty());
}

TEST(HeaderBlockTest, RefusesBadBlocks) {
  const std::string one("\0\0\0\1\0\0\0\1a\0\0\0\1b", 14);
  ASSERT_TRUE(ParseHeaderBlock(one));
  for (std::size_t size = 0; size < one.size(); ++size) {
    EXPECT_FALSE(ParseHeaderBlock(one.substr(0, size))) << size;
  }
  EXPECT_FALSE(ParseHeaderBlock(one + "x"));
  EXPECT_FALSE(ParseHeaderBlock(FromHex("ffffffff")));
  EXPECT_FALSE(ParseHeaderBlock(FromHex("00000001 ffffffff 61")));
  EXPECT_FALSE(ParseHeaderBlock(FromHex("00000001 00000000 00000000")));
  EXPECT_FALSE(ParseHeaderBlock(FromHex("00000002 00000001 61 00000000 00000001 41 00000000")));
}

}  // namespace
}  // namespace dockershimd::shim::streaming::wire
