#include "shim/streaming/wire/websocket_frames.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hex.h"
#include "shim/streaming/wire/channel_messages.h"

namespace dockershimd::shim::streaming::wire {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testsupport::FromHex;

class Recorder : public WebSocketDecoder::Events {
 public:
  void OnMessageBegin() override { message = ""; }
  void OnMessageBytes(std::string_view bytes) override { message += bytes; }
  void OnMessageEnd() override { lines.push_back("message " + message); }
  void OnPing(std::string_view payload) override {
    lines.push_back("ping " + std::string(payload));
  }
  void OnClose() override { lines.push_back("close"); }

  std::string message;
  std::vector<std::string> lines;
};

/// A client's frame: first byte and payload, masked.
std::string Masked(std::uint8_t first, std::string payload, int length_size = 0) {
  const std::string mask = "\x11\x22\x33\x44";
  for (std::size_t i = 0; i < payload.size(); ++i) payload[i] ^= mask[i % 4];
  std::string frame(1, static_cast<char>(first));
  const auto size = payload.size();
  frame.push_back(static_cast<char>(0x80 | (length_size == 0   ? size
                                            : length_size == 2 ? 126
                                                               : 127)));
  for (int i = length_size - 1; i >= 0; --i) frame.push_back(static_cast<char>(size >> (8 * i)));
  return frame + mask + payload;
}

base::Status Feed(WebSocketDecoder& decoder, std::string bytes, Recorder& recorder) {
  return decoder.Feed(bytes, recorder);
}

TEST(WebSocketFramesTest, ReadsMessagesCutAnywhere) {
  const std::string session = Masked(0x82, "first") + Masked(0x02, "sec") + Masked(0x89, "pi") +
                              Masked(0x80, "ond") + Masked(0x81, "long", 2) +
                              Masked(0x82, "longer", 8) + Masked(0x82, "") + Masked(0x8a, "") +
                              Masked(0x88, FromHex("03e8"));
  for (std::size_t cut = 0; cut < session.size(); ++cut) {
    WebSocketDecoder decoder;
    Recorder recorder;
    ASSERT_TRUE(Feed(decoder, session.substr(0, cut), recorder));
    ASSERT_TRUE(Feed(decoder, session.substr(cut), recorder));
    EXPECT_THAT(recorder.lines, ElementsAre("message first", "ping pi", "message second",
                                            "message long", "message longer", "message ", "close"))
        << "cut at " << cut;
  }
}

TEST(WebSocketFramesTest, DropsWhatFollowsAClose) {
  WebSocketDecoder decoder;
  Recorder recorder;
  ASSERT_TRUE(Feed(decoder, Masked(0x88, "") + "anything", recorder));
  EXPECT_THAT(recorder.lines, ElementsAre("close"));
}

TEST(WebSocketFramesTest, RefusesBadFrames) {
  const std::string bad[] = {
      FromHex("8200"),                            // not masked
      FromHex("8202 6162"),                       // not masked, with payload
      Masked(0xc2, "x"),                          // a reserved bit
      Masked(0x83, "x"),                          // an unknown kind
      Masked(0x80, "x"),                          // a fragment of nothing
      Masked(0x09, "x"),                          // a fragmented ping
      Masked(0x89, std::string(126, 'x'), 2),     // a long ping
      Masked(0x02, "x") + Masked(0x82, "y"),      // a message inside another
      FromHex("82ff ffffffffffffffff 00000000"),  // an impossible length
  };
  for (const auto& bytes : bad) {
    WebSocketDecoder decoder;
    Recorder recorder;
    EXPECT_FALSE(Feed(decoder, bytes, recorder));
    EXPECT_THAT(recorder.lines, IsEmpty());
  }
}

TEST(WebSocketFramesTest, WritesHeaders) {
  EXPECT_EQ(WebSocketHeader(WebSocketOpcode::kBinary, 125), FromHex("827d"));
  EXPECT_EQ(WebSocketHeader(WebSocketOpcode::kBinary, 126), FromHex("827e 007e"));
  EXPECT_EQ(WebSocketHeader(WebSocketOpcode::kText, 0xffff), FromHex("817e ffff"));
  EXPECT_EQ(WebSocketHeader(WebSocketOpcode::kBinary, 0x10000), FromHex("827f 0000000000010000"));
  EXPECT_EQ(WebSocketClose(1000), FromHex("8802 03e8"));
}

class Channels : public ChannelDecoder::Events {
 public:
  void OnChannelData(std::uint8_t channel, std::string_view bytes) override {
    lines.push_back(std::to_string(channel) + " " + std::string(bytes));
  }
  void OnChannelClose(std::uint8_t channel) override {
    lines.push_back("close " + std::to_string(channel));
  }
  std::vector<std::string> lines;
};

base::Status FeedMessage(ChannelDecoder& decoder, const std::vector<std::string>& parts,
                         Channels& channels) {
  decoder.BeginMessage();
  for (const auto& part : parts) {
    if (auto fed = decoder.Feed(part, channels); !fed) return fed;
  }
  return decoder.EndMessage(channels);
}

TEST(ChannelMessagesTest, TakesBinaryMessagesApart) {
  ChannelDecoder decoder(ChannelCoding::kBinary, true);
  Channels channels;
  using namespace std::string_literals;
  ASSERT_TRUE(FeedMessage(decoder, {"\0in"s}, channels));
  ASSERT_TRUE(FeedMessage(decoder, {"\0"s, "put"}, channels));
  ASSERT_TRUE(FeedMessage(decoder, {}, channels));
  ASSERT_TRUE(FeedMessage(decoder, {"\4"}, channels));
  ASSERT_TRUE(FeedMessage(decoder, {"\xff"s, "\0"s}, channels));
  EXPECT_THAT(channels.lines, ElementsAre("0 in", "0 put", "close 0"));
}

TEST(ChannelMessagesTest, RefusesOddCloses) {
  Channels channels;
  ChannelDecoder decoder(ChannelCoding::kBinary, true);
  EXPECT_FALSE(FeedMessage(decoder, {"\xff"}, channels));
  EXPECT_FALSE(FeedMessage(decoder, {"\xff", "ab"}, channels));
  ChannelDecoder without(ChannelCoding::kBinary, false);
  EXPECT_TRUE(FeedMessage(without, {"\xff", "ab"}, channels));
  EXPECT_THAT(channels.lines, ElementsAre("255 ab"));
}

TEST(ChannelMessagesTest, TakesBase64MessagesApart) {
  ChannelDecoder decoder(ChannelCoding::kBase64, false);
  Channels channels;
  ASSERT_TRUE(FeedMessage(decoder, {"0aG", "kK"}, channels));
  ASSERT_TRUE(FeedMessage(decoder, {"0"}, channels));
  EXPECT_FALSE(FeedMessage(decoder, {"0a"}, channels));
  EXPECT_FALSE(FeedMessage(decoder, {"0" + std::string(2 << 20, 'a')}, channels));
  EXPECT_THAT(channels.lines, ElementsAre("0 hi\n"));
}

TEST(ChannelMessagesTest, WritesHeaders) {
  EXPECT_EQ(ChannelHeader(ChannelCoding::kBinary, 1, 3), FromHex("8204 01"));
  EXPECT_EQ(ChannelHeader(ChannelCoding::kBase64, 1, 4), FromHex("8105 31"));
}

}  // namespace
}  // namespace dockershimd::shim::streaming::wire
