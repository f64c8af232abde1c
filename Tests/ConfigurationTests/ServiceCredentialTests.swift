// SPDX-License-Identifier: Apache-2.0

import Configuration
import Glibc
import JWT
import Testing

@Suite("The system service's credentials, outside the service")
struct ServiceCredentialTests {
    let place = Workplace()
    private static let secret = "hunter2-hunter2-hunter2-hunter2-hunter2"
    private static let configuration = """
        upstream: http://127.0.0.1:3000
        identityProvider: { loginURL: "https://idp.test/login?r={returnURL}" }
        token: { keys: [{ secretFile: jwt }] }
        session: { secret: "this is a session secret, long enough" }

        """

    private func load(
        _ unit: String?, dropIns: [String: String] = [:], environment: [String: String] = [:],
        file: String = "sidegate.yaml"
    ) -> LoadedConfiguration {
        for name in ["units", "units/sidegate.service.d"] where unsafe access(place.path + "/" + name, F_OK) != 0 {
            _ = place.directory(name)
        }
        if let unit { place.write("units/sidegate.service", unit) }
        for (name, text) in dropIns { place.write("units/sidegate.service.d/" + name, text) }
        var request = LoadRequest(file: place.write(file, Self.configuration), environment: environment)
        request.unitDirectories = [place.path + "/none", place.path + "/units"]
        return ConfigurationLoader.load(request)
    }

    private func unit(_ lines: String = "", config: String = "sidegate.yaml") -> String {
        """
        [Unit]
        LoadCredential=jwt:/in/another/section
        [Service]
        ExecStartPre=/usr/bin/sidegate check --config /elsewhere.yaml
        ExecStart=/usr/bin/sidegate run --config \(place.path)/\(config)
        LoadCredential=jwt:\(place.path)/jwt.secret
        \(lines)

        """
    }

    private func key(_ loaded: LoadedConfiguration) -> Int? { loaded.settings?.token.keys.keys.count }

    @Test("A name is that of the file from which systemd takes it")
    func found() {
        #expect(
            load(nil).errors.first?.contains("cannot read \(place.path)/jwt: there is no such file; create it or")
                == true)
        place.write("jwt.secret", Self.secret)
        #expect(key(load(unit())) == 1)
        #expect(load(unit()).lines == [])
    }

    @Test(
        "Without its file the message names that file",
        arguments: [[:], ["CREDENTIALS_DIRECTORY": "/nonexistent"]])
    func missing(environment: [String: String]) {
        let errors = load(unit(), environment: environment).errors
        #expect(errors.count == 1)
        #expect(
            errors.first?.hasSuffix(
                "cannot read \(place.path)/jwt.secret: there is no such file; create it: sidegate.service provides it as `jwt`"
            )
                == true)
    }

    @Test("An empty credential, the unit's fall-back, counts as none; one that is not empty counts")
    func fallBack() {
        place.write("jwt.secret", Self.secret)
        let credentials = place.directory("credentials")
        let environment = ["CREDENTIALS_DIRECTORY": credentials]
        for blank in ["", "\n"] {
            place.write("credentials/jwt", blank)
            #expect(key(load(unit(), environment: environment)) == 1)
        }
        place.write("credentials/jwt", "short")
        #expect(load(unit(), environment: environment).errors.first?.contains("bits") == true)
    }

    @Test("Drop-ins apply in the order of their names, and an empty value clears the list")
    func dropIns() {
        place.write("other", Self.secret)
        let other = "[Service]\nLoadCredential=jwt:\(place.path)/other\n"
        #expect(key(load(unit(), dropIns: ["10-a.conf": other])) == 1)
        #expect(
            load(unit(), dropIns: ["20-b.conf": "[Service]\n# none\nLoadCredential=\n"]).errors.first?.contains("/jwt:")
                == true)
        #expect(
            key(load(unit(), dropIns: ["30-c.conf": "[Service]\nLoadCredential= \\\njwt:\(place.path)/other\n"])) == 1)
    }

    @Test("A directory provides each of its files")
    func directory() {
        _ = place.directory("secrets")
        place.write("secrets/t", Self.secret)
        let file = Self.configuration.replacing("secretFile: jwt", with: "secretFile: all_t")
        _ = load(unit("LoadCredential=all:\(place.path)/secrets"))
        var request = LoadRequest(file: place.write("sidegate.yaml", file), environment: [:])
        request.unitDirectories = [place.path + "/units"]
        #expect(key(ConfigurationLoader.load(request)) == 1)
    }

    @Test("They are of no use to another configuration")
    func otherConfiguration() {
        place.write("jwt.secret", Self.secret)
        #expect(load(unit(), file: "other.yaml").errors.first?.contains("/jwt: there is no such file") == true)
        #expect(load(unit(config: "other.yaml")).errors.isEmpty == false)
    }

    @Test("The file beside the configuration is used where the credential's does not exist")
    func beside() {
        place.write("jwt", Self.secret)
        #expect(key(load(unit())) == 1)
    }
}
