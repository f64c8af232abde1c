// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import FuzzTargets
import Testing

@Suite("Fuzz targets")
struct FuzzingTests {
    /// The package's folder.
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// The files in a folder of the package, by name; none if it does not exist.
    private static func files(in folder: String) -> [(name: String, bytes: [UInt8])] {
        let path = root.appending(path: folder, directoryHint: .isDirectory).path
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        return names.sorted().compactMap { name in
            guard let data = FileManager.default.contents(atPath: path + "/" + name) else { return nil }
            return (name, Array(data))
        }
    }

    @Test("The properties hold for the seeds", arguments: FuzzTargets.all.map(\.name))
    func seeds(name: String) throws {
        let target = try #require(FuzzTargets.all.first { $0.name == name })
        let files = target.seedFolders.flatMap(Self.files)
        #expect(files.count >= target.seedFolders.count)
        for (number, input) in (target.seeds() + files.map(\.bytes)).enumerated() {
            #expect(throws: Never.self, "seed \(number)") { try target.run(input) }
            if let repair = target.repair { #expect(throws: Never.self) { try target.run(repair(input)) } }
        }
    }

    @Test("The properties hold for inputs that once broke them", arguments: FuzzTargets.all.map(\.name))
    func regressions(name: String) throws {
        let target = try #require(FuzzTargets.all.first { $0.name == name })
        for file in Self.files(in: "Fuzzing/Regressions/\(name)") {
            #expect(throws: Never.self, "\(file.name)") { try target.run(file.bytes) }
        }
    }

    @Test("Each folder of regressions belongs to a target, and names differ")
    func names() throws {
        let names = FuzzTargets.all.map(\.name)
        #expect(Set(names).count == names.count)
        let path = Self.root.appending(path: "Fuzzing/Regressions", directoryHint: .isDirectory).path
        for folder in try FileManager.default.contentsOfDirectory(atPath: path) where !folder.hasSuffix(".md") {
            #expect(names.contains(folder))
        }
    }
}
