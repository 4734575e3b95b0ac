#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dockerapi/streams.h"

namespace dockershimd::dockerapi {
namespace {

std::string Frame(char stream, std::string_view payload) {
  std::string frame(8, '\0');
  frame[0] = stream;
  for (int i = 0; i < 4; ++i) frame[4 + i] = static_cast<char>(payload.size() >> (24 - 8 * i));
  return frame.append(payload);
}

struct Output {
  std::string out;
  std::string err;

  Demultiplexer::Sink Sink() {
    return [this](OutputStream which, std::string_view bytes) {
      EXPECT_FALSE(bytes.empty());
      (which == OutputStream::kStdout ? out : err).append(bytes);
    };
  }
};

TEST(Demultiplexer, AnyCut) {
  const std::string stream = Frame(1, "one\n") + Frame(2, "two") + Frame(1, "") +
                             Frame(2, std::string_view("\0\1\xff", 3)) + Frame(0, "zero");
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    for (std::size_t second = cut; second <= stream.size(); ++second) {
      Demultiplexer demultiplexer;
      Output output;
      ASSERT_TRUE(demultiplexer.Feed(stream.substr(0, cut), output.Sink()));
      ASSERT_TRUE(demultiplexer.Feed(stream.substr(cut, second - cut), output.Sink()));
      ASSERT_TRUE(demultiplexer.Feed(stream.substr(second), output.Sink()));
      EXPECT_EQ(output.out, "one\nzero");
      EXPECT_EQ(output.err, std::string("two\0\1\xff", 6));
      EXPECT_TRUE(demultiplexer.AtFrameBoundary());
    }
  }
}

TEST(Demultiplexer, ByteByByte) {
  Demultiplexer demultiplexer;
  Output output;
  for (const char byte : Frame(1, std::string(70000, 'x')) + Frame(2, "end")) {
    ASSERT_TRUE(demultiplexer.Feed({&byte, 1}, output.Sink()));
  }
  EXPECT_EQ(output.out, std::string(70000, 'x'));
  EXPECT_EQ(output.err, "end");
}

TEST(Demultiplexer, KnowsWhereItWasCut) {
  const std::string stream = Frame(1, "abc");
  for (std::size_t cut = 1; cut < stream.size(); ++cut) {
    Demultiplexer demultiplexer;
    Output output;
    ASSERT_TRUE(demultiplexer.Feed(stream.substr(0, cut), output.Sink()));
    EXPECT_FALSE(demultiplexer.AtFrameBoundary()) << cut;
  }
}

TEST(Demultiplexer, OtherBytesAreRefused) {
  for (const std::string& bytes :
       {std::string("plain text"), Frame(4, "x"), std::string(8, '\1')}) {
    Demultiplexer demultiplexer;
    Output output;
    const auto fed = demultiplexer.Feed(bytes, output.Sink());
    ASSERT_FALSE(fed);
    EXPECT_EQ(fed.error().code, base::Code::kInternal);
    EXPECT_EQ(output.out + output.err, "");
  }
}

TEST(Demultiplexer, SystemErrorsAreErrors) {
  const std::string stream = Frame(1, "before") + Frame(3, "the log is broken");
  Demultiplexer demultiplexer;
  Output output;
  ASSERT_TRUE(demultiplexer.Feed(stream.substr(0, stream.size() - 4), output.Sink()));
  const auto fed = demultiplexer.Feed(stream.substr(stream.size() - 4), output.Sink());
  ASSERT_FALSE(fed);
  EXPECT_THAT(fed.error().message, testing::HasSubstr("the log is broken"));
  EXPECT_EQ(output.out, "before");
}

TEST(Demultiplexer, AnEndlessSystemErrorIsCut) {
  Demultiplexer demultiplexer;
  Output output;
  const auto fed = demultiplexer.Feed(Frame(3, std::string(1 << 20, 'e')), output.Sink());
  ASSERT_FALSE(fed);
  EXPECT_LT(fed.error().message.size(), 20000U);
}

TEST(Demultiplexer, AnEmptySystemErrorIsOne) {
  Demultiplexer demultiplexer;
  Output output;
  EXPECT_FALSE(demultiplexer.Feed(Frame(3, ""), output.Sink()));
}

}  // namespace
}  // namespace dockershimd::dockerapi
