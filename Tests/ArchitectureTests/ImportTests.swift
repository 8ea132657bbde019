import Testing

@Suite struct ImportTests { @Test("placeholder") func none() { #expect(Bool(true)) } }
