// Whatever bytes come for SPDY: they are refused or read, in one piece or in many, with the same
// result.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "shim/streaming/wire/spdy_frames.h"

using namespace dockershimd::shim::streaming::wire;

namespace {

class Recorder : public SpdyDecoder::Events {
 public:
  void OnSynStream(StreamId stream, const Headers& headers, bool fin) override {
    Add('s', stream);
    for (const auto& [name, value] : headers) text += name + value;
    text += fin ? '1' : '0';
    (void)ValueOf(headers, "port");
  }
  void OnData(StreamId stream, std::string_view bytes) override {
    // How a payload is cut is nobody's business.
    for (const char byte : bytes) {
      Add('d', stream);
      text += byte;
    }
  }
  void OnFin(StreamId stream) override { Add('f', stream); }
  void OnReset(StreamId stream) override { Add('r', stream); }
  void OnPing(std::uint32_t id) override { Add('p', id); }
  void OnGoAway() override { text += 'g'; }

  std::string text;

 private:
  void Add(char what, std::uint32_t number) { text += what + std::to_string(number); }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  SpdyDecoder whole;
  Recorder whole_events;
  const bool fine = whole.Feed(bytes, whole_events).has_value();

  SpdyDecoder cut;
  Recorder cut_events;
  bool cut_fine = true;
  for (std::size_t i = 0; i < size && cut_fine; ++i) {
    cut_fine = cut.Feed(bytes.substr(i, 1), cut_events).has_value();
  }
  if (fine != cut_fine || whole_events.text != cut_events.text) std::abort();
  return 0;
}
