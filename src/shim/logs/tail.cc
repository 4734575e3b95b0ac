#include "shim/logs/tail.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "shim/logs/record.h"

namespace dockershimd::shim::logs {
namespace {

constexpr std::chrono::milliseconds kFirstRetry(100);
constexpr std::chrono::seconds kLastRetry(10);

std::string_view LastLine(std::string_view lines) {
  if (lines.size() < 2) return lines;
  return lines.substr(lines.rfind('\n', lines.size() - 2) + 1);
}

bool IsMissing(const base::Status& opened) {
  return !opened && opened.error().code == base::Code::kNotFound;
}

}  // namespace

Tail::Tail(std::string description, std::string cri_log, std::string position_file,
           SourceFactory make_source, Counters& counters)
    : description_(std::move(description)),
      cri_(std::move(cri_log)),
      position_file_(std::move(position_file)),
      make_source_(std::move(make_source)),
      counters_(counters),
      position_(position_file_.Load().value_or(Position())) {}

base::Status Tail::Open() {
  if (source_) return {};
  if (auto opened = OpenCri(); !opened) return opened;
  source_ = make_source_(position_.source);
  if (finishing_) source_->Finish();
  return {};
}

base::Status Tail::OpenCri() {
  auto opened = cri_.Open();
  // Kubelet is about to call Reopen, or to rename it back: until then this is the file, as it
  // would be had it stayed open.
  if (IsMissing(opened) && position_.cri.inode != 0) {
    opened = cri_.OpenRenamed(position_.cri.inode);
    // Kubelet deletes the log of a container that has ended before it removes the container.
    deleted_ = finishing_ && IsMissing(opened);
    if (deleted_) return opened;
  }
  return IsMissing(opened) ? BeginCri() : AdoptCri(opened);
}

/// Goes on in a new file. Its inode may be that of one deleted before, so nothing is concluded
/// from it.
base::Status Tail::BeginCri() {
  GoBackIfLost();
  if (auto made = cri_.Create(); !made) return made;
  position_.previous_cri = position_.cri;
  position_.previous_source = position_.source;
  position_.cri = cri_.Position();
  Save();
  return {};
}

/// Brings the remembered position and an existing file together.
base::Status Tail::AdoptCri(const base::Status& opened) {
  if (!opened) return opened;
  const CriPosition found = cri_.Position();
  const CriPosition& previous = position_.previous_cri;
  base::Status cut;
  if (found.inode == position_.cri.inode) {
    // More than remembered: we were killed between writing and remembering it.
    if (found.size > position_.cri.size) cut = cri_.Truncate(position_.cri.size);
  } else if (found.inode == previous.inode && found.size >= previous.size) {
    // Kubelet took its rotation back, and with it the file that we have written since.
    cut = cri_.Truncate(previous.size);
    position_.source = position_.previous_source;
    if (source_) source_->Seek(position_.source);
    position_.previous_cri = {};
  } else if (position_.cri.inode == 0) {
    if (found.size > 0) position_.source = cri_.RecoverFromLastLines();
  } else {
    GoBackIfLost();
    position_.previous_cri = position_.cri;
    position_.previous_source = position_.source;
  }
  if (!cut) {
    cri_.Close();
    return cut;
  }
  position_.cri = cri_.Position();
  Save();
  return {};
}

/// The file written last may be gone while the one before it is there: kubelet had taken its
/// rotation back, over that file, and now renames once more. Its lines are to be written again.
void Tail::GoBackIfLost() {
  const auto& previous = position_.previous_cri;
  if (previous.inode == 0 || cri_.FindRenamed(position_.cri.inode)) return;
  if (!cri_.FindRenamed(previous.inode)) return;
  position_.cri = previous;
  position_.source = position_.previous_source;
  if (source_) source_->Seek(position_.source);
}

base::Status Tail::Reopen() {
  cri_.Close();
  const auto opened = cri_.Open();
  return IsMissing(opened) ? BeginCri() : AdoptCri(opened);
}

base::Result<Progress> Tail::Pump(Batch& batch) {
  if (auto opened = Open(); !opened) return Unopened(opened.error());
  batch.Clear();
  const auto progress = source_->Read(batch);
  if (!progress) return Failed(progress.error());
  if (!cri_.IsUsable() && (cri_.IsOpen() || !batch.lines.empty())) {
    // It may be another file than before, to be continued from elsewhere: read again.
    if (auto opened = OpenCri(); !opened) return Unopened(opened.error());
    return Progress::kMore;
  }
  if (auto written = Write(batch); !written) return Failed(written.error());
  if (retry_delay_.count() > 0) spdlog::info("log of {} is being written again", description_);
  retry_delay_ = {};
  return progress;
}

base::Result<Progress> Tail::Unopened(const base::Error& error) {
  if (!deleted_) return Failed(error);
  spdlog::debug("log of {} was deleted after its container had ended: it is not made again",
                description_);
  return Progress::kEnd;
}

base::Status Tail::Write(const Batch& batch) {
  if (auto written = cri_.Append(batch.lines); !written) return written;
  source_->Commit();
  const auto source = source_->Position();
  const bool moved = source.offset != position_.source.offset ||
                     source.inode != position_.source.inode || !batch.lines.empty();
  position_.source = source;
  position_.cri = cri_.Position();
  if (moved) Save();
  counters_.bad_records += batch.bad_records;
  counters_.gaps += batch.gaps;
  if (batch.lines.empty()) return {};
  counters_.lines += batch.records;
  counters_.bytes += batch.lines.size();
  const auto time = TimeOfLine(LastLine(batch.lines));
  if (time) counters_.lag_nanos = base::WallClockNow() - *time;
  return {};
}

/// Where the position cannot be saved, an older one stands: a restart then cuts the CRI file back
/// to that and writes the same lines again.
void Tail::Save() {
  const auto saved = position_file_.Save(position_);
  if (!saved && !position_fails_) {
    spdlog::warn("log of {}: its position is not saved: {}", description_, saved.error().message);
  }
  position_fails_ = !saved;
}

std::unexpected<base::Error> Tail::Failed(const base::Error& error) {
  if (retry_delay_.count() == 0) {
    spdlog::error("log of {} cannot be written, trying again until it can: {}", description_,
                  error.message);
  }
  ++counters_.failures;
  retry_delay_ = std::clamp<Clock::duration>(retry_delay_ * 2, kFirstRetry, kLastRetry);
  return base::Fail(error);
}

void Tail::NoticeRotation() {
  if (source_) source_->NoticeRotation();
}

void Tail::Finish() {
  finishing_ = true;
  if (source_) source_->Finish();
}

void Tail::Continue() {
  finishing_ = false;
  if (source_) source_->Continue();
}

void Tail::Rest() {
  if (source_) source_->Rest();
  cri_.Close();
  position_file_.Rest();
}

}  // namespace dockershimd::shim::logs
