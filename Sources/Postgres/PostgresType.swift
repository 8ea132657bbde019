/// A type of the server by its object id (`pg_type.oid`), which is the same in every database for the built-in types.
public struct PostgresType: Sendable, Hashable, CustomStringConvertible {
    /// The object id.
    public let oid: UInt32
    /// The name the type has in SQL, or `oid N` for a type that is not built in.
    public let description: String

    private init(_ oid: UInt32, _ name: String) {
        self.oid = oid
        description = name
    }

    /// The type with this id; types that are not built in (enums, domains) are named by the id.
    init(oid: UInt32) { self = Self.known[oid] ?? PostgresType(oid, "oid \(oid)") }

    static let bool = PostgresType(16, "boolean")
    static let bytea = PostgresType(17, "bytea")
    static let char = PostgresType(18, "\"char\"")
    static let name = PostgresType(19, "name")
    static let int8 = PostgresType(20, "bigint")
    static let int2 = PostgresType(21, "smallint")
    static let int4 = PostgresType(23, "integer")
    static let text = PostgresType(25, "text")
    static let oidType = PostgresType(26, "oid")
    static let json = PostgresType(114, "json")
    static let float4 = PostgresType(700, "real")
    static let float8 = PostgresType(701, "double precision")
    static let unknown = PostgresType(705, "unknown")
    static let bpchar = PostgresType(1042, "character")
    static let varchar = PostgresType(1043, "character varying")
    static let timestamptz = PostgresType(1184, "timestamp with time zone")
    static let void = PostgresType(2278, "void")
    static let uuid = PostgresType(2950, "uuid")
    static let jsonb = PostgresType(3802, "jsonb")
    static let xid8 = PostgresType(5069, "xid8")
    static let boolArray = PostgresType(1000, "boolean[]")
    static let byteaArray = PostgresType(1001, "bytea[]")
    static let charArray = PostgresType(1002, "\"char\"[]")
    static let int2Array = PostgresType(1005, "smallint[]")
    static let int4Array = PostgresType(1007, "integer[]")
    static let textArray = PostgresType(1009, "text[]")
    static let int8Array = PostgresType(1016, "bigint[]")
    static let float4Array = PostgresType(1021, "real[]")
    static let float8Array = PostgresType(1022, "double precision[]")
    static let timestamptzArray = PostgresType(1185, "timestamp with time zone[]")
    static let uuidArray = PostgresType(2951, "uuid[]")

    private static let known: [UInt32: PostgresType] = {
        let all = [
            bool, bytea, char, name, int8, int2, int4, text, oidType, json, float4, float8, unknown, bpchar, varchar,
            timestamptz, void, uuid, jsonb, xid8, boolArray, byteaArray, charArray, int2Array, int4Array, textArray,
            int8Array, float4Array, float8Array, timestamptzArray, uuidArray,
        ]
        return Dictionary(uniqueKeysWithValues: all.map { ($0.oid, $0) })
    }()
}
