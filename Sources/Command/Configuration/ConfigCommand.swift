// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Configuration

struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "Prints the configuration in force, or the schema and reference of its keys.",
        subcommands: [PrintCommand.self, SchemaCommand.self, ReferenceCommand.self])

    struct PrintCommand: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "print",
            abstract: "Prints the values that are set, where each comes from, and no secret.")

        @Flag(help: "Includes the defaults.")
        var effective = false

        @OptionGroup var source: ConfigurationOptions

        func run() throws {
            let loaded = source.load(purpose: .inspect)
            for finding in loaded.findings { StandardError.write(finding.description) }
            if loaded.settings == nil { throw ExitStatus.badConfiguration }
            print(ConfigurationPrinter(isEffective: effective).text(loaded.resolution), terminator: "")
        }
    }

    struct SchemaCommand: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "schema", abstract: "Prints the JSON Schema (draft-07) of the configuration file.")

        func run() { print(JSONSchema.text(), terminator: "") }
    }

    struct ReferenceCommand: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "reference", abstract: "Prints the reference of all keys, as Markdown.")

        func run() { print(OptionReference.text(), terminator: "") }
    }
}
