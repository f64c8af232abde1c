// SPDX-License-Identifier: Apache-2.0

import CFuzzer
import FuzzTargets
import Glibc

// sidegate-fuzz --list                   the names of the targets
// sidegate-fuzz --prepare TARGET FOLDER  writes the target's seeds and its dictionary into a folder
// sidegate-fuzz TARGET [OPTIONS] CORPUS  runs libFuzzer; its options

/// The target of this process.
enum Selection {
    static let target: FuzzTarget? = FuzzTargets.all.first { target in
        CommandLine.arguments.dropFirst().contains(target.name)
    }
}

/// Writes a line to standard error.
func report(_ message: String) {
    let line = Array((message + "\n").utf8)
    _ = unsafe write(STDERR_FILENO, line, line.count)
}

func stop(_ message: String) -> Never {
    report(message)
    exit(2)
}

func run(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = unsafe [UInt8](UnsafeBufferPointer(start: data, count: count))
    do throws(BrokenProperty) {
        try Selection.target?.run(input)
    } catch {
        report("BROKEN PROPERTY: \(error)")
        abort()
    }
    return 0
}

/// Half of the mutations are repaired.
@_cdecl("LLVMFuzzerCustomMutator")
func mutate(_ data: UnsafeMutablePointer<UInt8>, _ count: Int, _ maximum: Int, _ seed: CUnsignedInt) -> Int {
    let count = unsafe LLVMFuzzerMutate(data, count, maximum)
    guard seed & 1 == 0, let repair = Selection.target?.repair else { return count }
    let repaired = repair(unsafe [UInt8](UnsafeBufferPointer(start: data, count: count)))
    guard !repaired.isEmpty, repaired.count <= maximum else { return count }
    for (index, byte) in repaired.enumerated() { unsafe data[index] = byte }
    return repaired.count
}

func save(_ bytes: [UInt8], to path: String) {
    guard let file = unsafe fopen(path, "w") else { stop("cannot write \(path)") }
    _ = unsafe fwrite(bytes, 1, bytes.count, file)
    unsafe fclose(file)
}

/// An entry of a dictionary of libFuzzer.
func entry(_ word: String) -> String {
    var text = "\""
    for byte in word.utf8 {
        let digits = String(byte, radix: 16)
        text += "\\x" + (digits.count < 2 ? "0" : "") + digits
    }
    return text + "\"\n"
}

let arguments = CommandLine.arguments
if arguments.dropFirst().first == "--list" {
    for target in FuzzTargets.all { print(target.name, target.seedFolders.joined(separator: " ")) }
    exit(0)
}
guard let target = Selection.target else { stop("no such target; --list lists them") }
if arguments.dropFirst().first == "--prepare", let folder = arguments.last {
    for (number, seed) in target.seeds().enumerated() { save(seed, to: "\(folder)/seeds/\(number)") }
    save(Array(target.dictionary.map(entry).joined().utf8), to: "\(folder)/dictionary")
    exit(0)
}
// libFuzzer takes the name for a file to run.
var options = arguments.filter { $0 != target.name }
options.insert("-max_len=\(target.maximumLength)", at: 1)
var vector: [UnsafeMutablePointer<CChar>?] = unsafe options.map { unsafe strdup($0) } + [nil]
var count = CInt(options.count)
let status = unsafe vector.withUnsafeMutableBufferPointer { buffer in
    guard var start = buffer.baseAddress else { return CInt(2) }
    return unsafe LLVMFuzzerRunDriver(&count, &start) { unsafe run($0, $1) }
}
exit(status)
