// Whatever bytes come on a WebSocket: refused or taken apart into channels, in one piece or in
// many, with the same result. The first byte chooses the protocol.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "shim/streaming/wire/channel_messages.h"
#include "shim/streaming/wire/websocket_frames.h"

using namespace dockershimd::shim::streaming::wire;

namespace {

class Demux : public WebSocketDecoder::Events, private ChannelDecoder::Events {
 public:
  explicit Demux(std::uint8_t choice)
      : channels_((choice & 1) != 0 ? ChannelCoding::kBase64 : ChannelCoding::kBinary,
                  (choice & 2) != 0) {}

  void OnMessageBegin() override { channels_.BeginMessage(); }
  void OnMessageBytes(std::string_view bytes) override {
    if (fine) fine = channels_.Feed(bytes, *this).has_value();
  }
  void OnMessageEnd() override {
    if (fine) fine = channels_.EndMessage(*this).has_value();
  }
  void OnPing(std::string_view payload) override { text += "p" + std::string(payload); }
  void OnClose() override { text += "c"; }

  std::string text;
  bool fine = true;

 private:
  void OnChannelData(std::uint8_t channel, std::string_view bytes) override {
    for (const char byte : bytes) text += std::to_string(channel) + byte;
  }
  void OnChannelClose(std::uint8_t channel) override { text += "x" + std::to_string(channel); }

  ChannelDecoder channels_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string input(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::string whole_bytes = input;
  WebSocketDecoder whole;
  Demux whole_events(data[0]);
  const bool fine = whole.Feed(whole_bytes, whole_events).has_value();

  WebSocketDecoder cut;
  Demux cut_events(data[0]);
  bool cut_fine = true;
  for (std::size_t i = 0; i < input.size() && cut_fine; ++i) {
    char byte = input[i];
    cut_fine = cut.Feed({&byte, 1}, cut_events).has_value();
  }
  if (fine != cut_fine || whole_events.fine != cut_events.fine ||
      whole_events.text != cut_events.text) {
    std::abort();
  }
  return 0;
}
