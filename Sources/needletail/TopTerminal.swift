// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: structures of the C library are locals of the call that fills them.
internal import Glibc
internal import Platform

/// A terminal that is drawn over, and is afterwards as it was.
struct TopTerminal: ~Copyable {
    private let before: termios
    private let hasColours: Bool

    /// Nil: the output is no terminal, or the input is none.
    init?() {
        guard isatty(STDOUT_FILENO) == 1, isatty(STDIN_FILENO) == 1 else { return nil }
        var settings = termios()
        guard unsafe tcgetattr(STDIN_FILENO, &settings) == 0 else { return nil }
        before = settings
        hasColours = unsafe getenv("NO_COLOR") == nil
        // Keys at once and unseen; Ctrl-C is a key too, so that nothing ends with the screen as it
        // is.
        settings.c_lflag &= ~tcflag_t(ICANON | ECHO | ISIG)
        _ = unsafe tcsetattr(STDIN_FILENO, TCSANOW, &settings)
        // The other screen, without a cursor.
        Self.write("\u{1B}[?1049h\u{1B}[?25l")
    }

    deinit {
        Self.write("\u{1B}[?25h\u{1B}[?1049l")
        var settings = before
        _ = unsafe tcsetattr(STDIN_FILENO, TCSANOW, &settings)
    }

    /// Columns and rows now; 80 × 24 when nobody knows.
    var size: (columns: Int, rows: Int) {
        var size = winsize()
        guard unsafe ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0,
            size.ws_row > 0
        else { return (80, 24) }
        return (Int(size.ws_col), Int(size.ws_row))
    }

    /// Draws over what is there.
    func draw(_ lines: [TopLine]) {
        let columns = size.columns
        let texts = lines.map { $0.text(columns: columns, hasColours: hasColours) + "\u{1B}[K" }
        Self.write("\u{1B}[H" + texts.joined(separator: "\n") + "\u{1B}[J")
    }

    /// A key, or nil when none came in that time.
    func key(withinMillis millis: Int) -> UInt8? {
        var input = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
        guard unsafe poll(&input, 1, Int32(clamping: millis)) == 1 else { return nil }
        var key: UInt8 = 0
        // A terminal that is gone is the end.
        return unsafe read(STDIN_FILENO, &key, 1) == 1 ? key : UInt8(ascii: "q")
    }

    private static func write(_ text: String) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let written = unsafe bytes.withUnsafeBytes {
                unsafe Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count)
            }
            guard written > 0 else { return }
            bytes = bytes.dropFirst(written)
        }
    }
}
