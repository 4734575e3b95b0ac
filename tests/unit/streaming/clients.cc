#include "clients.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <zlib.h>

#include <array>
#include <memory>

#include "fake_docker.h"

extern "C" {
extern const unsigned char dockershimd_spdy3_dictionary[];
extern const unsigned char dockershimd_spdy3_dictionary_end[];
}

namespace dockershimd::testsupport {
namespace {

std::string Number(std::uint64_t value, int size) {
  std::string bytes;
  for (int i = size - 1; i >= 0; --i) bytes.push_back(static_cast<char>(value >> (8 * i)));
  return bytes;
}

std::uint64_t ToNumber(const std::string& bytes) {
  std::uint64_t value = 0;
  for (const unsigned char byte : bytes) value = value << 8 | byte;
  return value;
}

std::string Control(int type, const std::string& body) {
  return Number(0x8003, 2) + Number(static_cast<unsigned>(type), 2) + Number(0, 1) +
         Number(body.size(), 3) + body;
}

}  // namespace

RawClient::RawClient(const std::string& url) : tls_(nullptr, &::SSL_free) {
  const auto host = url.find("://") + 3;
  const auto port = url.find(':', host);
  const auto path = url.find('/', host);
  path_ = path == std::string::npos ? "/" : url.substr(path);
  fd_.Reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const timeval limit{20, 0};
  ::setsockopt(fd_.Get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  ::setsockopt(fd_.Get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(url.substr(port + 1))));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ::connect(fd_.Get(), reinterpret_cast<sockaddr*>(&address), sizeof(address));
  if (!url.starts_with("https:")) return;
  const std::unique_ptr<SSL_CTX, decltype(&::SSL_CTX_free)> context(
      ::SSL_CTX_new(::TLS_client_method()), &::SSL_CTX_free);
  tls_.reset(::SSL_new(context.get()));
  ::SSL_set_fd(tls_.get(), fd_.Get());
  ::SSL_connect(tls_.get());
}

RawClient::~RawClient() {
  if (tls_ && fd_) ShutDown();
}

std::string RawClient::CommonName() const {
  const std::unique_ptr<X509, decltype(&::X509_free)> certificate(
      tls_ ? ::SSL_get1_peer_certificate(tls_.get()) : nullptr, &::X509_free);
  if (!certificate) return "";
  std::array<char, 256> name{};
  ::X509_NAME_get_text_by_NID(::X509_get_subject_name(certificate.get()), NID_commonName,
                              name.data(), static_cast<int>(name.size()));
  return name.data();
}

void RawClient::Send(const std::string& bytes) {
  if (!tls_) return WriteTo(fd_.Get(), bytes);
  std::size_t written = 0;
  if (!bytes.empty()) ::SSL_write_ex(tls_.get(), bytes.data(), bytes.size(), &written);
}

std::string RawClient::Request(const std::string& method, const std::string& fields) {
  Send(fmt::format("{} {} HTTP/1.1\r\nHost: any\r\n{}\r\n", method, path_, fields));
  std::string head;
  while (!head.ends_with("\r\n\r\n")) {
    const auto byte = Read(1);
    if (byte.empty()) break;
    head += byte;
  }
  return head;
}

std::string RawClient::Read(std::size_t count) {
  if (!tls_) return ReadExactly(fd_.Get(), count);
  std::string bytes(count, '\0');
  std::size_t done = 0;
  for (std::size_t got = 0; done < count; done += got) {
    if (::SSL_read_ex(tls_.get(), bytes.data() + done, count - done, &got) != 1) break;
  }
  bytes.resize(done);
  return bytes;
}

std::string RawClient::ReadToEnd() {
  std::string bytes;
  while (true) {
    const auto more = Read(1);
    if (more.empty()) return bytes;
    bytes += more;
  }
}

void RawClient::ShutDown() {
  if (tls_) {
    ::SSL_shutdown(tls_.get());
  } else {
    ::shutdown(fd_.Get(), SHUT_WR);
  }
}

SpdyClient::SpdyClient(const std::string& url, const std::string& protocol)
    : raw_(url), deflater_(std::make_unique<z_stream>()) {
  answer_ = raw_.Request("POST", fmt::format("Connection: Upgrade\r\nUpgrade: SPDY/3.1\r\n"
                                             "X-Stream-Protocol-Version: {}\r\n",
                                             protocol));
  deflateInit(deflater_.get(), Z_BEST_COMPRESSION);
  deflateSetDictionary(
      deflater_.get(), dockershimd_spdy3_dictionary,
      static_cast<uInt>(dockershimd_spdy3_dictionary_end - dockershimd_spdy3_dictionary));
}

SpdyClient::~SpdyClient() { deflateEnd(deflater_.get()); }

std::string SpdyClient::SynStream(unsigned stream,
                                  const std::vector<std::pair<std::string, std::string>>& headers) {
  std::string block = Number(headers.size(), 4);
  for (const auto& [name, value] : headers) {
    block += Number(name.size(), 4) + name + Number(value.size(), 4) + value;
  }
  std::string compressed(block.size() + 256, '\0');
  deflater_->next_in = reinterpret_cast<Bytef*>(block.data());
  deflater_->avail_in = static_cast<uInt>(block.size());
  deflater_->next_out = reinterpret_cast<Bytef*>(compressed.data());
  deflater_->avail_out = static_cast<uInt>(compressed.size());
  deflate(deflater_.get(), Z_SYNC_FLUSH);
  compressed.resize(compressed.size() - deflater_->avail_out);
  return Control(1, Number(stream, 4) + Number(0, 6) + compressed);
}

unsigned SpdyClient::Open(const std::vector<std::pair<std::string, std::string>>& headers) {
  const unsigned stream = std::exchange(next_stream_, next_stream_ + 2);
  raw_.Send(SynStream(stream, headers));
  while (true) {
    const auto frame = Next();
    if (frame.end || (frame.type == 2 && frame.stream == stream)) return stream;
  }
}

void SpdyClient::Data(unsigned stream, const std::string& bytes, bool fin) {
  raw_.Send(Number(stream, 4) + Number(fin ? 1 : 0, 1) + Number(bytes.size(), 3) + bytes);
}

void SpdyClient::Reset(unsigned stream) { raw_.Send(Control(3, Number(stream, 4) + Number(5, 4))); }

void SpdyClient::Ping(unsigned id) { raw_.Send(Control(6, Number(id, 4))); }

SpdyClient::Frame SpdyClient::Next() {
  const auto header = raw_.Read(8);
  Frame frame;
  if (header.size() < 8) {
    frame.end = true;
    return frame;
  }
  frame.flags = static_cast<unsigned char>(header[4]);
  frame.body = raw_.Read(ToNumber(header.substr(5)));
  if ((header[0] & 0x80) == 0) {
    frame.stream = static_cast<unsigned>(ToNumber(header.substr(0, 4)));
  } else {
    frame.type = static_cast<int>(ToNumber(header.substr(2, 2)));
    frame.stream = static_cast<unsigned>(ToNumber(frame.body.substr(0, 4)));
  }
  return frame;
}

SpdyClient::Rest SpdyClient::ReadRest() {
  Rest rest;
  while (true) {
    const auto frame = Next();
    if (frame.end) return rest;
    switch (frame.type) {
      case 0:
        rest.data[frame.stream] += frame.body;
        if ((frame.flags & 1) != 0) rest.events.push_back(fmt::format("fin {}", frame.stream));
        break;
      case 2:
        rest.events.push_back(fmt::format("reply {}", frame.stream));
        break;
      case 3:
        rest.events.push_back(fmt::format("rst {}", frame.stream));
        break;
      case 6:
        rest.events.push_back(fmt::format("ping {}", frame.stream));
        break;
      case 7:
        rest.events.push_back(fmt::format("goaway {}", frame.stream));
        break;
      default:
        rest.events.push_back(fmt::format("type {}", frame.type));
    }
  }
}

WebSocketClient::WebSocketClient(const std::string& url, const std::string& protocol) : raw_(url) {
  const auto name = protocol.empty() ? "" : "Sec-WebSocket-Protocol: " + protocol + "\r\n";
  answer_ = raw_.Request("GET",
                         "Connection: Upgrade\r\nUpgrade: websocket\r\n"
                         "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAA\r\n" +
                             name);
}

void WebSocketClient::Send(int opcode, const std::string& payload) {
  std::string frame(1, static_cast<char>(0x80 | opcode));
  if (payload.size() < 126) {
    frame += Number(0x80 | payload.size(), 1);
  } else {
    frame += Number(0x80 | 127, 1) + Number(payload.size(), 8);
  }
  const std::string mask = "mask";
  frame += mask;
  for (std::size_t i = 0; i < payload.size(); ++i) {
    frame.push_back(static_cast<char>(payload[i] ^ mask[i % 4]));
  }
  raw_.Send(frame);
}

std::pair<int, std::string> WebSocketClient::Next() {
  const auto header = raw_.Read(2);
  if (header.size() < 2) return {-1, ""};
  std::uint64_t size = static_cast<unsigned char>(header[1]);
  if (size == 126) size = ToNumber(raw_.Read(2));
  if (size == 127) size = ToNumber(raw_.Read(8));
  return {header[0] & 0x0f, raw_.Read(size)};
}

std::map<char, std::string> WebSocketClient::ReadRest() {
  std::map<char, std::string> channels;
  while (true) {
    const auto [opcode, payload] = Next();
    if (opcode < 0) return channels;
    if (opcode == 8) channels['c'] = payload;
    if (opcode == 8) Send(8, payload);
    if ((opcode == 1 || opcode == 2) && !payload.empty()) channels[payload[0]] += payload.substr(1);
  }
}

}  // namespace dockershimd::testsupport
