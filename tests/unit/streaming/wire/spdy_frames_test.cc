#include "shim/streaming/wire/spdy_frames.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hex.h"

namespace dockershimd::shim::streaming::wire {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testsupport::FromHex;

class Recorder : public SpdyDecoder::Events {
 public:
  void OnSynStream(StreamId stream, const Headers& headers, bool fin) override {
    lines.push_back(
        fmt::format("syn {} {}{}", stream, ValueOf(headers, "streamtype"), fin ? " fin" : ""));
  }
  void OnData(StreamId stream, std::string_view bytes) override {
    // Pieces of one frame may come apart.
    const std::string prefix = fmt::format("data {} ", stream);
    if (!lines.empty() && lines.back().starts_with(prefix)) {
      lines.back() += bytes;
    } else {
      lines.push_back(prefix + std::string(bytes));
    }
  }
  void OnFin(StreamId stream) override { lines.push_back(fmt::format("fin {}", stream)); }
  void OnReset(StreamId stream) override { lines.push_back(fmt::format("rst {}", stream)); }
  void OnPing(std::uint32_t id) override { lines.push_back(fmt::format("ping {}", id)); }
  void OnGoAway() override { lines.push_back("goaway"); }

  std::vector<std::string> lines;
};

/// What client-go sends for `exec -i` of cat, then for a ping and at its end.
std::string RecordedExec() {
  return FromHex(
      "80030001 00000029 00000001 00000000 0000"
      "78f9e3c6a7c26260606004a7b392a2d4c45c6851c29a0a0a6800000000ffff"
      "80030001 00000017 00000003 00000000 0000 c22e555c92929907000000ffff"
      "80030001 00000019 00000005 00000000 0000 c22ac5565c92925f5a02000000ffff"
      "80030001 00000015 00000007 00000000 0000 c229975a5404000000ffff"
      "00000003 00000003 616263"
      "00000003 01000000"
      "80030006 00000004 00000001"
      "80030003 00000008 00000005 00000005"
      "80030007 00000008 00000000 00000000");
}

const auto kRecordedEvents =
    ElementsAre("syn 1 error", "syn 3 stdin", "syn 5 stdout", "syn 7 stderr", "data 3 abc", "fin 3",
                "ping 1", "rst 5", "goaway");

TEST(SpdyFramesTest, ReadsARecordedSession) {
  SpdyDecoder decoder;
  Recorder recorder;
  ASSERT_TRUE(decoder.Feed(RecordedExec(), recorder));
  EXPECT_THAT(recorder.lines, kRecordedEvents);
}

TEST(SpdyFramesTest, ReadsItCutAnywhere) {
  const std::string session = RecordedExec();
  for (std::size_t cut = 1; cut < session.size(); ++cut) {
    SpdyDecoder decoder;
    Recorder recorder;
    ASSERT_TRUE(decoder.Feed(session.substr(0, cut), recorder));
    ASSERT_TRUE(decoder.Feed(session.substr(cut), recorder));
    EXPECT_THAT(recorder.lines, kRecordedEvents) << "cut at " << cut;
  }
}

TEST(SpdyFramesTest, ReadsItByteByByte) {
  SpdyDecoder decoder;
  Recorder recorder;
  for (const char byte : RecordedExec()) ASSERT_TRUE(decoder.Feed({&byte, 1}, recorder));
  EXPECT_THAT(recorder.lines, kRecordedEvents);
}

TEST(SpdyFramesTest, InflatesHeadersOfAnyFrame) {
  // Had the HEADERS frame not been inflated, what follows could not be read.
  SpdyDecoder decoder;
  Recorder recorder;
  ASSERT_TRUE(
      decoder.Feed(FromHex("80030008 00000023 00000001"
                           "78f9e3c6a7c26260606004a7b392a2d4c45c6851c29a0a0a6800000000ffff"
                           "80030001 01000017 00000003 00000000 0000 c22e555c92929907000000ffff"),
                   recorder));
  EXPECT_THAT(recorder.lines, ElementsAre("syn 3 stdin fin"));
}

TEST(SpdyFramesTest, IgnoresSettingsAndWindows) {
  SpdyDecoder decoder;
  Recorder recorder;
  ASSERT_TRUE(decoder.Feed(
      FromHex("80030004 00000004 00000000 80030009 00000008 00000001 00010000"), recorder));
  EXPECT_THAT(recorder.lines, IsEmpty());
}

TEST(SpdyFramesTest, EmptyDataIsNothingUnlessItIsTheLast) {
  SpdyDecoder decoder;
  Recorder recorder;
  ASSERT_TRUE(decoder.Feed(FromHex("00000003 00000000 00000003 01000001 78"), recorder));
  EXPECT_THAT(recorder.lines, ElementsAre("data 3 x", "fin 3"));
}

TEST(SpdyFramesTest, RefusesWhatNobodySends) {
  for (const auto* frame : {
           "80030000 00000000",                                   // type 0
           "80030005 00000000",                                   // NOOP
           "8003000a 00000000",                                   // CREDENTIAL
           "8003ffff 00000000",                                   // unknown
           "80030006 00000004 00000000",                          // ping 0
           "80030006 00000003 000000",                            // a short ping
           "80030003 00000004 00000001",                          // a short reset
           "80030007 00000000",                                   // an empty goodbye
           "80030001 00000009 00000001 00000000 00",              // a cut SYN_STREAM
           "80030001 0000000e 00000001 00000000 0000 ffff ffff",  // no zlib
           "80030001 00010001",                                   // longer than any
       }) {
    SpdyDecoder decoder;
    Recorder recorder;
    EXPECT_FALSE(decoder.Feed(FromHex(frame), recorder)) << frame;
    EXPECT_THAT(recorder.lines, IsEmpty());
  }
}

TEST(SpdyFramesTest, WritesFrames) {
  EXPECT_EQ(DataHeader(5, 0x010203, false), FromHex("00000005 00010203"));
  EXPECT_EQ(DataHeader(5, 0, true), FromHex("00000005 01000000"));
  EXPECT_EQ(ResetFrame(3, ResetCode::kCancel), FromHex("80030003 00000008 00000003 00000005"));
  EXPECT_EQ(PingFrame(1), FromHex("80030006 00000004 00000001"));
  EXPECT_EQ(GoAwayFrame(7), FromHex("80030007 00000008 00000007 00000000"));
}

TEST(SpdyFramesTest, WritesRepliesThatInflateToNoHeaders) {
  HeaderInflater client;
  for (const bool first : {true, false, false}) {
    const std::string reply = SynReply(9, first);
    EXPECT_EQ(reply.substr(0, 8), FromHex(first ? "80030002 00000018" : "80030002 00000012"));
    const auto block = client.Inflate(reply.substr(12));
    ASSERT_TRUE(block);
    EXPECT_EQ(*block, std::string(4, '\0'));
  }
}

}  // namespace
}  // namespace dockershimd::shim::streaming::wire
