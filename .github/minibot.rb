# The Homebrew formula: "make formula" puts a release's version and checksums in the place of the words between at signs.
class Minibot < Formula
  desc "Keeps one machine's container stack exactly as one file says"
  homepage "@REPOSITORY@"
  version "@VERSION@"
  license "Apache-2.0"

  on_macos do
    on_arm do
      url "@REPOSITORY@/releases/download/v@VERSION@/minibot_@VERSION@_darwin_arm64.tar.gz"
      sha256 "@darwin_arm64@"
    end
    on_intel do
      url "@REPOSITORY@/releases/download/v@VERSION@/minibot_@VERSION@_darwin_amd64.tar.gz"
      sha256 "@darwin_amd64@"
    end
  end

  on_linux do
    on_arm do
      url "@REPOSITORY@/releases/download/v@VERSION@/minibot_@VERSION@_linux_arm64.tar.gz"
      sha256 "@linux_arm64@"
    end
    on_intel do
      url "@REPOSITORY@/releases/download/v@VERSION@/minibot_@VERSION@_linux_amd64.tar.gz"
      sha256 "@linux_amd64@"
    end
  end

  def install
    bin.install "minibot"
    man1.install Dir["man/*.1"]
    bash_completion.install "completions/minibot.bash" => "minibot"
    zsh_completion.install "completions/_minibot"
    fish_completion.install "completions/minibot.fish"
    pkgshare.install "minibot.hcl.example"
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/minibot version")
  end
end
